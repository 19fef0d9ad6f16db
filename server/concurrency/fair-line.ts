interface FairLineBounds {
  /** The most calls under way at once. */
  atOnce: number
  /** The most calls of one key under way at once. */
  perKey: number
}

/**
 * Waits for a place and resolves with the function that gives it back. Rejects with the signal's reason when it
 * aborts before.
 */
export type FairLine = (key: string, signal?: AbortSignal) => Promise<() => void>

interface Waiting {
  key: string
  letIn(): void
}

/**
 * Lets a limited number of calls in at once. Then come those whose key has the fewest calls under way, in order of
 * arrival, so a key with many waiting calls does not delay another.
 */
export function createFairLine({ atOnce, perKey }: FairLineBounds): FairLine {
  const line = new Set<Waiting>()
  const inside = new Map<string, number>()
  let underWay = 0

  const countOf = (key: string) => inside.get(key) ?? 0

  function enter(key: string): () => void {
    underWay += 1
    inside.set(key, countOf(key) + 1)
    let isInside = true
    return () => {
      if (!isInside) return
      isInside = false
      underWay -= 1
      const left = countOf(key) - 1
      if (left === 0) inside.delete(key)
      else inside.set(key, left)
      nextInLine()?.letIn()
    }
  }

  function nextInLine(): Waiting | undefined {
    let next: Waiting | undefined
    let fewest = perKey
    for (const one of line) {
      const count = countOf(one.key)
      if (count >= fewest) continue
      next = one
      fewest = count
      if (count === 0) break
    }
    return next
  }

  return async (key, signal) => {
    signal?.throwIfAborted()
    if (underWay < atOnce && countOf(key) < perKey) return enter(key)
    return new Promise((resolve, reject) => {
      const leave = () => {
        line.delete(one)
        reject(signal?.reason as Error)
      }
      const one: Waiting = {
        key,
        letIn() {
          line.delete(one)
          signal?.removeEventListener('abort', leave)
          resolve(enter(key))
        },
      }
      signal?.addEventListener('abort', leave, { once: true })
      line.add(one)
    })
  }
}
