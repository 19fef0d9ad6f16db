import { z } from 'zod'
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import { Cursor, EventFilter } from '../contract/event.ts'
import { pageLimit } from '../contract/page.ts'
import { parseInput } from '../contract/parse-input.ts'
import { parsePrincipal } from '../contract/principal.ts'
import type { Principal } from '../contract/principal.ts'
import { RunId } from '../contract/run.ts'
import type { Run } from '../contract/run.ts'
import { isTerminal } from '../contract/terminal.ts'
import type { EventStream } from '../events/event-stream.ts'
import type { EventHub } from '../events/hub.ts'
import { shownTo, visibleTo } from '../events/visibility.ts'
import type { Logger } from '../ports/logger.ts'
import { ownerOf } from '../ports/owner.ts'
import type { EventPage, EventStore } from '../ports/store/event-store.ts'
import type { RunStore } from '../ports/store/run-store.ts'

export interface EventsOptions {
  runId: string
  /** `seq` of the last event the reader has. Default: 0, from the beginning. */
  afterSeq?: number
  /** Default: `user` events only. */
  filter?: Partial<EventFilter>
}

export interface EventsPageOptions extends EventsOptions {
  /** From 1 to 1000. Default: 100. */
  limit?: number
}

export interface FollowOptions extends EventsOptions {
  /** Ends the stream without an error. Default: it ends with the run, or when the runtime stops. */
  signal?: AbortSignal
}

/**
 * Tells who may ask for more than `user` events of a run of theirs; is called for those that do ask. What it
 * refuses is answered with 403.
 */
export type AuthorizeEvents = (
  principal: Principal,
  request: EventFilter & { runId: string },
) => boolean | Promise<boolean>

export interface Following {
  run: Pick<Run, 'status' | 'lastSeq'>
  batches: EventStream
  confirm(principal: Principal): Promise<void>
}

export interface RunEvents {
  /** A page of the visible events after the cursor, and how many there are in all. */
  listEvents(principal: Principal, options: EventsPageOptions): Promise<EventPage>
  /**
   * Checks, then answers how far the run is and a stream of the visible events after the cursor, in
   * batches. The stream ends by itself after the terminal event, whether or not that one is visible. `confirm`
   * asks again whether a reader may see what this one asked for, and rejects with `forbidden` when not.
   */
  follow(principal: Principal, options: FollowOptions): Promise<Following>
}

interface RunEventsPorts {
  store: Pick<RunStore, 'getProgress'> & Pick<EventStore, 'listEvents'>
  hub: EventHub
  log: Logger
}

interface RunEventsSettings {
  debugMode: boolean
  authorizeEvents: AuthorizeEvents
}

const Reading = z.object({ runId: RunId, afterSeq: Cursor.default(0), filter: EventFilter.prefault({}) })
const Listing = z.object({ limit: pageLimit(1000, 100) })

/** Reading what runs emit: who may, and which of it. */
export function createRunEvents({ store, hub, log }: RunEventsPorts, settings: RunEventsSettings): RunEvents {
  async function authorize(principal: Principal, request: EventFilter & { runId: string }): Promise<void> {
    const asksForMore = request.includeDebug || request.includeAll
    if (!asksForMore || (await settings.authorizeEvents(principal, request))) return
    log.info({ by: ownerOf(principal), ...request }, 'refused to show events')
    throw new AgentRuntimeError('forbidden', 'You may see user events only.')
  }

  async function checkReader(asking: Principal, options: EventsOptions) {
    const principal = parsePrincipal(asking)
    const { runId, afterSeq, filter } = parseInput(Reading, options)
    // First of all: nobody is asked about a run that is not there for the reader.
    const run = (await store.getProgress(principal, runId)) ?? noSuchRun(runId)
    const confirm = (reader: Principal) => authorize(reader, { ...filter, runId })
    await confirm(principal)
    if (afterSeq > run.lastSeq) {
      throw new AgentRuntimeError('bad_request', `The cursor ${afterSeq} is beyond the run's newest event.`, {
        details: { lastSeq: run.lastSeq },
      })
    }
    return { principal, runId, afterSeq, run, confirm, visibilities: visibleTo(filter, settings.debugMode) }
  }

  return {
    async listEvents(asking, { limit: wanted, ...options }) {
      const { limit } = parseInput(Listing, { limit: wanted })
      const { principal, runId, afterSeq, visibilities } = await checkReader(asking, options)
      const page = await store.listEvents(principal, runId, { afterSeq, limit, visibilities })
      return { ...page, events: shownTo(page.events, visibilities) }
    },

    async follow(asking, { signal = new AbortController().signal, ...options }) {
      const { run, runId, afterSeq, visibilities, confirm } = await checkReader(asking, options)
      const progress = { lastSeq: run.lastSeq, isOver: isTerminal(run.status) }
      const batches = hub.follow({ runId, afterSeq, visibilities, ...progress, signal })
      return { run, batches, confirm }
    },
  }
}

export function noSuchRun(runId: string): never {
  throw new AgentRuntimeError('not_found', `There is no run ${runId}.`)
}
