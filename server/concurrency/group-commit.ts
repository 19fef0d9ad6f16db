/** How many items may be flushed alone at the same time. Each takes a connection. */
const MAX_APART = 4

interface Entry<TItem, TResult> {
  item: TItem
  settle: PromiseWithResolvers<TResult>
}

/**
 * Collects what arrives while a flush is under way, and flushes it as one batch when that returns. There is no timer: a
 * single item is flushed at once, and batches grow with the load.
 */
export function createGroupCommit<TItem, TResult>(options: {
  /** Items a batch takes at most. */
  maxBatch: number
  /** The most that a batch may weigh. A heavier item makes a batch alone. */
  maxWeight?: number
  weigh?(item: TItem): number
  /**
   * When the first item leaves after an idle time. `pass` (default): after this pass of the event loop, so that
   * requests from many sockets go together. `tick`: after the running callback, for items that arrive together anyway.
   */
  gather?: 'pass' | 'tick'
  /** Resolves with results in the order of the items. `isApart`: no other item waits for this batch. */
  flush(items: readonly TItem[], isApart: boolean): Promise<readonly TResult[]>
  /**
   * Whether a single one of `count` items may have made their flush fail. If so, each item is flushed once more, alone,
   * and later batches do not wait for it. Otherwise all of them are rejected.
   */
  mayBeOnes?(error: unknown, count: number): boolean
}): (item: TItem) => Promise<TResult> {
  const { maxBatch, gather = 'pass', flush, mayBeOnes = () => false } = options
  const { maxWeight = Infinity, weigh = () => 0 } = options
  const waiting: Entry<TItem, TResult>[] = []
  let flushing = false
  const apart: Entry<TItem, TResult>[] = []
  let lanes = 0

  async function settleAll(batch: readonly Entry<TItem, TResult>[], isApart: boolean): Promise<void> {
    const items = batch.map((entry) => entry.item)
    const results = await flush(items, isApart)
    batch.forEach(({ settle }, index) => settle.resolve(results[index] as TResult))
  }

  function takeBatch(): Entry<TItem, TResult>[] {
    let weight = 0
    const end = waiting.findIndex((entry, index) => {
      weight += weigh(entry.item)
      return index === maxBatch || (index > 0 && weight > maxWeight)
    })
    return waiting.splice(0, end === -1 ? waiting.length : end)
  }

  async function flushAll(): Promise<void> {
    while (waiting.length > 0) {
      const batch = takeBatch()
      try {
        await settleAll(batch, false)
      } catch (error) {
        if (mayBeOnes(error, batch.length)) separate(batch)
        else for (const entry of batch) entry.settle.reject(error)
      }
    }
    flushing = false
  }

  function separate(batch: readonly Entry<TItem, TResult>[]): void {
    apart.push(...batch)
    for (let free = MAX_APART - lanes; free > 0 && apart.length > 0; free -= 1) void flushApart()
  }

  async function flushApart(): Promise<void> {
    lanes += 1
    for (let entry = apart.shift(); entry !== undefined; entry = apart.shift()) {
      await settleAll([entry], true).catch(entry.settle.reject)
    }
    lanes -= 1
  }

  return (item) => {
    const settle = Promise.withResolvers<TResult>()
    waiting.push({ item, settle })
    if (!flushing) {
      flushing = true
      // Wait a moment, so that items which arrive together go together.
      if (gather === 'tick') process.nextTick(() => void flushAll())
      else setImmediate(() => void flushAll())
    }
    return settle.promise
  }
}
