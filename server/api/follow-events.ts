import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import { ConversationEventsInput } from '../contract/conversation.ts'
import { Cursor, EventFilter } from '../contract/event.ts'
import { parseInput } from '../contract/parse-input.ts'
import type { Principal } from '../contract/principal.ts'
import { RunRef } from '../contract/run.ts'
import type { EventStream } from '../events/event-stream.ts'
import type { ApiServices } from './services.ts'
import type { SubscriptionPath } from './subscription-paths.ts'

/** The input of `runs.events`. */
export const EventsInput = RunRef.extend({
  /** tRPC's name for the cursor: `seq` of the last event seen. A reconnecting client fills it in. */
  lastEventId: Cursor.nullish(),
  ...EventFilter.partial().shape,
})

/** The input of `conversations.events`. */
export const FollowConversationInput = ConversationEventsInput.extend({
  /**
   * tRPC's name for the cursor of the last event seen. A reconnecting client fills it in; it takes precedence
   * over `after`.
   */
  lastEventId: ConversationEventsInput.shape.after,
})

interface FollowRequest {
  principal: Principal
  input: unknown
  signal: AbortSignal | undefined
}

/** The stream, and a function that checks again whether its reader may see it. */
interface Followed {
  batches: EventStream
  confirm(principal: Principal): Promise<void>
}

/** By the path of each subscription. */
export const OPEN_EVENTS = {
  async 'runs.events'({ runs, stopping }, { principal, input, signal = stopping }) {
    const { runId, lastEventId, includeDebug = false, includeAll = false } = parseInput(EventsInput, input)
    const filter = { includeDebug, includeAll }
    return runs.follow(principal, { runId, afterSeq: lastEventId ?? 0, filter, signal })
  },

  async 'conversations.events'({ conversations, stopping }, { principal, input, signal = stopping }) {
    const {
      conversationId,
      after,
      lastEventId,
      includeDebug = false,
      includeAll = false,
    } = parseInput(FollowConversationInput, input)
    return conversations.follow(principal, {
      conversationId,
      after: lastEventId ?? after ?? undefined,
      filter: { includeDebug, includeAll },
      signal,
    })
  },
} satisfies Record<SubscriptionPath, (services: ApiServices, request: FollowRequest) => Promise<Followed>>

/** The cursor of a client that reconnects takes precedence over the one it began with. */
export function withLastEventId(input: unknown, lastEventId: string | null | undefined): unknown {
  if (lastEventId === null || lastEventId === undefined) return input
  return typeof input === 'object' && input !== null ? { ...input, lastEventId } : (input ?? { lastEventId })
}

/**
 * A stream that ends tells a client that the run is over. Breaking off with this error makes the client come
 * back.
 */
export function stopped(): AgentRuntimeError {
  return new AgentRuntimeError('unavailable', 'This server is stopping. Connect again.')
}
