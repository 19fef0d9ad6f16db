import type { EventStore } from '../../ports/store/event-store.ts'
import { listEvents } from '../statements/list-events.ts'
import { createReadEvents } from '../statements/read-events.ts'
import type { StoreParts } from './store-parts.ts'

export function createEventStore({ pool }: StoreParts): EventStore {
  return {
    readEvents: createReadEvents(pool),
    readNewEvents: createReadEvents(pool),
    listEvents: (reach, runId, page) => listEvents(pool, { reach, runId }, page),
  }
}
