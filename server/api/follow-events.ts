import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import { Cursor, EventFilter } from '../contract/event.ts'
import { parseInput } from '../contract/parse-input.ts'
import type { Principal } from '../contract/principal.ts'
import { RunRef } from '../contract/run.ts'
import type { ApiServices } from './services.ts'

/** What `runs.events` takes. */
export const EventsInput = RunRef.extend({
  /** tRPC's name for the cursor: `seq` of the last event seen. A reconnecting client fills it in. */
  lastEventId: Cursor.nullish(),
  ...EventFilter.partial().shape,
})

interface FollowRequest {
  principal: Principal
  input: unknown
  signal: AbortSignal | undefined
}

/** The stream, and how to ask again whether its reader may see it. */
export async function openEvents(
  { runs, stopping }: ApiServices,
  request: FollowRequest,
): ReturnType<ApiServices['runs']['follow']> {
  const {
    runId,
    lastEventId,
    includeDebug = false,
    includeAll = false,
  } = parseInput(EventsInput, request.input)
  return runs.follow(request.principal, {
    runId,
    afterSeq: lastEventId ?? 0,
    filter: { includeDebug, includeAll },
    signal: request.signal ?? stopping,
  })
}

/** The cursor of a client that reconnects goes before the one it began with. */
export function withLastEventId(input: unknown, lastEventId: string | null | undefined): unknown {
  if (lastEventId === null || lastEventId === undefined) return input
  return typeof input === 'object' && input !== null ? { ...input, lastEventId } : (input ?? { lastEventId })
}

/** Ending a stream tells a client that the run is over; breaking off with this makes it come back. */
export function stopped(): AgentRuntimeError {
  return new AgentRuntimeError('unavailable', 'This server is stopping. Connect again.')
}
