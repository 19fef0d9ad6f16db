import { hashKey } from '@tanstack/react-query'
import type { JsonLike } from '../../server/contract/json.ts'

export type Key = readonly unknown[]

/** The beginning of the keys of all that a client reads for somebody. */
export type KeyRoot = readonly [library: string, client: string, identity: string]

export const rootOf = (client: string, identity: string): KeyRoot => ['trpc-agent-runtime', client, identity]

/** Names whose page it is, alike in each process. */
export const nameOf = (identity: JsonLike | undefined): string =>
  identity === undefined ? '' : hashKey([identity])

/** The key of what a procedure answers, or the beginning of those of a router. */
export const keyWithin = (root: KeyRoot, path: readonly string[], input?: object): Key => [
  [...root, ...path],
  ...(input === undefined ? [] : [input]),
]
