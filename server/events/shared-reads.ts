import type { EventStore } from '../ports/store/event-store.ts'
import type { EventBatch } from './event-ring.ts'

type ReadEvents = EventStore['readEvents']

/**
 * Shares a read that is under way with everyone who wants the same page. Viewers who join together read the same
 * pages, and share their encoded form.
 *
 * Only reads with the same `floor` are shared. Everything below it was in the store when the read began, so a reader
 * that finds a page empty goes on from there.
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
