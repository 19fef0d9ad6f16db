import type { RunCreatedEvent, RunDeletedEvent, RunMovedEvent } from '../contract/conversation-event.ts'
import type { AnyRunEvent } from '../contract/event.ts'
import type { Json } from '../contract/json.ts'
import type { ConversationRun } from '../ports/conversation-runs.ts'
import type { RunPlace } from './conversation-place.ts'
import type { EventBatch } from './event-ring.ts'

const created = new WeakMap<ConversationRun, EventBatch>()

/** What begins a run: the same batch for all who are told of that row. */
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

/** What ends a run that was deleted before a reader had all of it. */
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

/** Tells that a run that waits was moved. */
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

/** Messages are JSON, which their type does not say. */
function asAny(event: RunCreatedEvent | RunDeletedEvent | RunMovedEvent): AnyRunEvent {
  return { ...event, payload: event.payload as unknown as Json }
}
