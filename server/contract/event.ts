import { z } from 'zod'
import { Json } from './json.ts'
import { Visibility } from './visibility.ts'
import type { RuntimeEventPayloads } from './runtime-events.ts'

/** What every event carries beside its type and payload. */
export interface EventEnvelope {
  runId: string
  /**
   * Position in the run, from 1. It grows, with gaps where compaction has joined deltas. Pass it back as a
   * cursor to continue after it.
   */
  seq: number
  /** The attempt that wrote it, so that text of a failed attempt is not shown beside that of its retry. */
  attempt: number
  visibility: Visibility
  /** When it was emitted: ISO 8601 in UTC, milliseconds. */
  ts: string
}

/** An event of unknown type, as stored and as carried by every transport. */
export interface AnyRunEvent extends EventEnvelope {
  type: string
  payload: Json
}

/** The union, narrowed by `type`, of the runtime's events and an agent's own. */
export type RunEvent<TEvents = Record<never, never>> = {
  [T in keyof (RuntimeEventPayloads & TEvents) & string]: EventEnvelope & {
    type: T
    payload: (RuntimeEventPayloads & TEvents)[T]
  }
}[keyof (RuntimeEventPayloads & TEvents) & string]

/** The events that a reader asks for. */
export type EventFilter = z.infer<typeof EventFilter>
export const EventFilter = z.object({
  includeDebug: z.boolean().default(false),
  includeAll: z.boolean().default(false),
})

/** A cursor: the `seq` of the last event already seen. */
export const Cursor = z.coerce
  .number('a cursor is the seq of the last event seen: a whole number of 0 or more')
  .int('a cursor is the seq of the last event seen: a whole number of 0 or more')
  .min(0, 'a cursor is the seq of the last event seen: a whole number of 0 or more')
  .max(2_147_483_647)
