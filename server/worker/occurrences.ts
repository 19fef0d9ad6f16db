import { createHash } from 'node:crypto'
import { z } from 'zod'
import { currentCallScope } from '../agent/call-scope.ts'
import type { CallScope } from '../agent/call-scope.ts'
import { NonRetriableError } from '../agent/non-retriable-error.ts'

/** Tells apart steps, or waits, of the same name: by the scope that calls them, and the order in which an attempt calls them there. */
export interface Occurrence {
  /** With a digest of the scope, where there is one. */
  name: string
  /** From 1. */
  occurrence: number
}

const Name = z.string().regex(/^[^\0\p{Cs}]{1,150}$/su)

/** @throws NonRetriableError when it is no name of a call of an agent. */
export function assertChildName(name: string): void {
  if (Name.safeParse(name).success) return
  throw new NonRetriableError(
    'The name of a call of an agent has 1 to 150 characters, none of them U+0000 or half a surrogate pair.',
  )
}

/** Counts calls by name. Call it before any `await`, so that it sees the calls in their order. */
export function createOccurrences(
  inScope: (name: string, number: number, scope: CallScope) => Occurrence = named,
): (name: string) => Occurrence {
  const unscoped = new Map<string, number>()
  const scoped = new WeakMap<object, Map<string, number>>()
  return (name) => {
    const scope = currentCallScope()
    const calls = scope === undefined ? unscoped : (scoped.get(scope.time) ?? new Map<string, number>())
    if (scope !== undefined) scoped.set(scope.time, calls)
    const number = (calls.get(name) ?? 0) + 1
    calls.set(name, number)
    return scope === undefined ? { name, occurrence: number } : inScope(name, number, scope)
  }
}

/** Of names that somebody answers by, which stay as they are: the scope is in the number. */
export const createNumberedOccurrences = () => createOccurrences(numbered)

export const keyOf = ({ name, occurrence }: Occurrence): string => `${name}/${occurrence}`

/** Names are of 200 characters at most, and the digest and its sign take 17. */
const MAX_NAMED = 183

function named(name: string, number: number, { id }: CallScope): Occurrence {
  const digest = digestOf(id, name).toString('hex').slice(0, 16)
  return { name: `${name.slice(0, MAX_NAMED).toWellFormed()}@${digest}`, occurrence: number }
}

/** The upper half of what the column holds. Calls in no scope are numbered from below. */
const FIRST_NUMBERED = 2 ** 30

function numbered(name: string, number: number, { id }: CallScope): Occurrence {
  return { name, occurrence: FIRST_NUMBERED + (digestOf(id, name, number).readUInt32BE() >>> 2) }
}

const digestOf = (...parts: (string | number)[]): Buffer =>
  createHash('sha256').update(JSON.stringify(parts)).digest()
