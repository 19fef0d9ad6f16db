/** Runs at most `max` calls at once. The others wait in order. */
export type AtMost = <T>(work: () => Promise<T>) => Promise<T>

export function atMost(max: number): AtMost {
  const waiting: (() => void)[] = []
  let free = max
  return async (work) => {
    if (free > 0) free -= 1
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next === undefined) free += 1
      else next()
    }
  }
}
