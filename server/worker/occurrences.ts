/** Tells steps, and waits, of one name apart: by the order in which an attempt calls them. */
export interface Occurrence {
  name: string
  /** From 1. */
  occurrence: number
}

/** Counts calls by name. To be asked before anything is awaited, since the order of the calls is what counts. */
export function createOccurrences(): (name: string) => Occurrence {
  const calls = new Map<string, number>()
  return (name) => {
    const occurrence = (calls.get(name) ?? 0) + 1
    calls.set(name, occurrence)
    return { name, occurrence }
  }
}

export const keyOf = ({ name, occurrence }: Occurrence): string => `${name}/${occurrence}`
