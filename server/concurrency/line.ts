/** Thrown to a caller that has too many calls in line. */
export class LineFull extends Error {
  override readonly name = 'LineFull'
}

/**
 * Lets a few costly calls run at a time. The others wait in order of arrival.
 *
 * @param options.perKey how many calls with one key may be in line or under way.
 */
export function createLine({ atOnce, perKey }: { atOnce: number; perKey: number }) {
  const waiting: (() => void)[] = []
  const counts = new Map<string, number>()
  let underWay = 0

  /** @throws LineFull */
  return async <T>(key: string, work: () => Promise<T>): Promise<T> => {
    const count = counts.get(key) ?? 0
    if (count >= perKey) throw new LineFull('Too many calls are in line.')
    counts.set(key, count + 1)
    try {
      // A call that ends hands its place to the next one. So no newcomer can take the place in between.
      if (underWay < atOnce) underWay += 1
      else await new Promise<void>((resolve) => waiting.push(resolve))
      try {
        return await work()
      } finally {
        const next = waiting.shift()
        if (next === undefined) underWay -= 1
        else next()
      }
    } finally {
      const left = (counts.get(key) ?? 1) - 1
      if (left === 0) counts.delete(key)
      else counts.set(key, left)
    }
  }
}
