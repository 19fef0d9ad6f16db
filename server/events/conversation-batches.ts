import type { RunCreatedEvent, RunDeletedEvent, RunMovedEvent } from '../contract/conversation-event.ts'
import type { AnyRunEvent } from '../contract/event.ts'
import type { Json } from '../contract/json.ts'
import type { ConversationRun } from '../ports/conversation-runs.ts'
import type { RunPlace } from './conversation-place.ts'
import type { EventBatch } from './event-ring.ts'

const created = new WeakMap<ConversationRun, EventBatch>()

/** The event that begins a run. All readers of the same row object get the same batch. */
export function createdBatch(run: ConversationRun): EventBatch {
  let batch = created.get(run)
  if (batch === undefined) created.set(run, (batch = [asAny(createdEvent(run))]))
  return batch
}

function createdEvent({ id, agentKey, ordinal, status, messages, createdAt }: ConversationRun) {
  return {
    type: 'run.created',
    runId: id,
    seq: 0,
    attempt: 0,
    visibility: 'user',
    ts: createdAt,
    payload: { agentKey, ordinal, status, messages: [...messages] },
  } satisfies RunCreatedEvent
}

/** The event that ends a run which was deleted before the reader had all of it. */
export function deletedBatch({ runId, seq }: RunPlace): EventBatch {
  const event: RunDeletedEvent = {
    type: 'run.deleted',
    runId,
    seq,
    attempt: 0,
    visibility: 'user',
    ts: new Date().toISOString(),
    payload: {},
  }
  return [asAny(event)]
}

/** The event that says that a waiting run was moved. */
export function movedBatch(runId: string): EventBatch {
  const event: RunMovedEvent = {
    type: 'run.moved',
    runId,
    seq: 0,
    attempt: 0,
    visibility: 'user',
    ts: new Date().toISOString(),
    payload: {},
  }
  return [asAny(event)]
}

/** The messages are JSON, though their type does not say so. */
function asAny(event: RunCreatedEvent | RunDeletedEvent | RunMovedEvent): AnyRunEvent {
  return { ...event, payload: event.payload as unknown as Json }
}
