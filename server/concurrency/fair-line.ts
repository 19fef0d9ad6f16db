/** Why one is not let in. */
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
  /** Under way at once. */
  atOnce: number
  /** Of one key. */
  perKey: number
  /** Waiting at once. */
  waiting: number
  /** Of one key. */
  waitingPerKey: number
  patienceMs: number
}

interface Waiting {
  key: string
  letIn(): void
}

/**
 * Lets some in at once. The others wait in the order in which they came; those of a key that has all its places let others by.
 *
 * @returns lets one in, and answers how it leaves. Rejects with {@link NotLetIn}.
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
