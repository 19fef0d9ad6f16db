import type { Store } from '../ports/store.ts'
import type { EventBatch } from './event-ring.ts'

type ReadEvents = Store['readEvents']

/**
 * Reads that are under way, for all who want the same: viewers who join together go through the same pages, and share
 * what they make of them.
 *
 * `floor`, below which everything was in the store when the read began, belongs to what is wanted: a reader that
 * finds a page empty goes on from there.
 */
export function createSharedReads(
  read: ReadEvents,
): (floor: number | undefined, ...page: Parameters<ReadEvents>) => Promise<EventBatch> {
  const underWay = new Map<string, Promise<EventBatch>>()
  return (floor, ...page) => {
    const key = `${page.join(' ')} ${floor}`
    let reading = underWay.get(key)
    if (reading === undefined) {
      const forget = () => underWay.delete(key)
      underWay.set(key, (reading = read(...page)))
      reading.then(forget, forget)
    }
    return reading
  }
}
