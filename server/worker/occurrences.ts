import { z } from 'zod'
import { NonRetriableError } from '../agent/non-retriable-error.ts'

/** Tells apart steps, or waits, of the same name: by the order in which an attempt calls them. */
export interface Occurrence {
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
export function createOccurrences(): (name: string) => Occurrence {
  const calls = new Map<string, number>()
  return (name) => {
    const occurrence = (calls.get(name) ?? 0) + 1
    calls.set(name, occurrence)
    return { name, occurrence }
  }
}

export const keyOf = ({ name, occurrence }: Occurrence): string => `${name}/${occurrence}`
