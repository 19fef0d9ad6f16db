/** Tells apart steps, or waits, of the same name: by the order in which an attempt calls them. */
export interface Occurrence {
  name: string
  /** From 1. */
  occurrence: number
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
