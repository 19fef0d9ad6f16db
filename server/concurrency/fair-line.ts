/** Why a call is not let in. */
export type LineRefusal = 'too-many-of-one' | 'too-many' | 'too-long'

export class NotLetIn extends Error {
  override readonly name = 'NotLetIn'
  readonly reason: LineRefusal

  constructor(reason: LineRefusal) {
    super(`Not let in: ${reason}.`)
    this.reason = reason
  }
}

interface FairLineBounds {
  /** The most calls under way at once. */
  atOnce: number
  /** The most calls of one key under way at once. */
  perKey: number
  /** The most calls that wait at once. */
  waiting: number
  /** The most calls of one key that wait at once. */
  waitingPerKey: number
  patienceMs: number
}

interface Waiting {
  key: string
  letIn(): void
}

/**
 * Lets a limited number of calls in at once. The others wait in order of arrival, except that calls whose key has all
 * its places are passed by others.
 *
 * @returns a function that waits for a place and resolves with the function that gives it back; it rejects with {@link
 * NotLetIn}
 */
export function createFairLine(bounds: FairLineBounds): (key: string) => Promise<() => void> {
  const line: Waiting[] = []
  const inside = new Map<string, number>()
  let underWay = 0

  const countOf = (key: string) => inside.get(key) ?? 0
  const hasPlace = (key: string) => underWay < bounds.atOnce && countOf(key) < bounds.perKey

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
      const next = line.findIndex((one) => hasPlace(one.key))
      line.splice(next, next === -1 ? 0 : 1)[0]?.letIn()
    }
  }

  return async (key) => {
    if (hasPlace(key)) return enter(key)
    if (line.filter((one) => one.key === key).length >= bounds.waitingPerKey)
      throw new NotLetIn('too-many-of-one')
    if (line.length >= bounds.waiting) throw new NotLetIn('too-many')
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        line.splice(line.indexOf(one), 1)
        reject(new NotLetIn('too-long'))
      }, bounds.patienceMs)
      const one: Waiting = {
        key,
        letIn() {
          clearTimeout(timer)
          resolve(enter(key))
        },
      }
      line.push(one)
    })
  }
}
