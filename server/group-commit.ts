/**
 * Collects what arrives while a flush is under way and flushes it as one batch when that returns. No
 * timer: alone, an item is flushed at once; under load, batches grow as large as the load makes them.
 */
export function createGroupCommit<TItem, TResult>(options: {
  /** Items a batch takes at most. */
  maxBatch: number
  /**
   * When the first item of an idle moment leaves. Default, `turn`: when the turn of the event loop is
   * through, so that requests of many sockets go together. `tick`: when the callback that is running is,
   * for items that come together anyway.
   */
  gather?: 'turn' | 'tick'
  /** Answers in the order of the items. When it throws, every item of the batch is rejected. */
  flush(items: readonly TItem[]): Promise<readonly TResult[]>
}): (item: TItem) => Promise<TResult> {
  const waiting: { item: TItem; settle: PromiseWithResolvers<TResult> }[] = []
  let flushing = false

  async function flushAll(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting.splice(0, options.maxBatch)
      try {
        const results = await options.flush(batch.map((entry) => entry.item))
        for (const [index, entry] of batch.entries()) entry.settle.resolve(results[index] as TResult)
      } catch (error) {
        for (const entry of batch) entry.settle.reject(error)
      }
    }
    flushing = false
  }

  return (item) => {
    const settle = Promise.withResolvers<TResult>()
    waiting.push({ item, settle })
    if (!flushing) {
      flushing = true
      // Not at once, so that what arrives together goes together.
      if (options.gather === 'tick') process.nextTick(() => void flushAll())
      else setImmediate(() => void flushAll())
    }
    return settle.promise
  }
}
