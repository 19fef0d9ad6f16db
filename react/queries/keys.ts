import { hashKey } from '@tanstack/react-query'
import type { JsonLike } from '../../server/contract/json.ts'

export type Key = readonly unknown[]

/** The beginning of the keys of everything that a client reads for one user. */
export type KeyRoot = readonly [library: string, client: string, identity: string]

export const rootOf = (client: string, identity: string): KeyRoot => ['trpc-agent-runtime', client, identity]

/** Names the user of a page, in the same way in each process. */
export const nameOf = (identity: JsonLike | undefined): string =>
  identity === undefined ? '' : hashKey([identity])

/** The key of a procedure's answer, or the beginning of the keys of a router. */
export const keyWithin = (root: KeyRoot, path: readonly string[], input?: object): Key => [
  [...root, ...path],
  ...(input === undefined ? [] : [input]),
]
