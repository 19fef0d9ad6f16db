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
import type { EventPage, EventStore } from '../ports/store/event-store.ts'
import type { RunStore } from '../ports/store/run-store.ts'
import type { Access } from './access.ts'

export interface EventsOptions {
  runId: string
  /** `seq` of the last event the reader has. Default: 0, from the beginning. */
  afterSeq?: number
  /** Default: `user` events only. */
  filter?: Partial<EventFilter>
  /**
   * Accepts a cursor beyond the run's newest event, after which there is nothing. Default: false, such a cursor is
   * refused.
   */
  mayBeAhead?: boolean
}

export interface EventsPageOptions extends EventsOptions {
  /** From 1 to 1000. Default: 100. */
  limit?: number
}

export interface FollowOptions extends EventsOptions {
  /** Ends the stream without an error. Default: it ends with the run, or when the runtime stops. */
  signal?: AbortSignal
}

export interface Following {
  run: Pick<Run, 'status' | 'lastSeq'>
  batches: EventStream
  confirm(principal: Principal): Promise<void>
}

export interface RunEvents {
  /** A page of the visible events after the cursor, with the count of all visible events. */
  listEvents(principal: Principal, options: EventsPageOptions): Promise<EventPage>
  /**
   * Checks access, then returns the run's state and a stream of the visible events after the cursor. The stream ends by
   * itself after the terminal event, even when that event is hidden. `confirm` checks again that a reader may see the
   * run with the same filter. It rejects with `not_found` or `forbidden` if not.
   */
  follow(principal: Principal, options: FollowOptions): Promise<Following>
}

interface RunEventsPorts {
  store: Pick<RunStore, 'getProgress'> & Pick<EventStore, 'listEvents'>
  hub: EventHub
  access: Access
}

interface RunEventsSettings {
  debugMode: boolean
}

const Reading = z.object({ runId: RunId, afterSeq: Cursor.default(0), filter: EventFilter.prefault({}) })
const Listing = z.object({ limit: pageLimit(1000, 100) })

/** Reads the events of runs: checks access and chooses the visible events. */
export function createRunEvents(
  { store, hub, access }: RunEventsPorts,
  settings: RunEventsSettings,
): RunEvents {
  /** @throws AgentRuntimeError `not_found` or `forbidden` */
  async function check(principal: Principal, { runId, filter }: { runId: string; filter: EventFilter }) {
    const reach = (await access.reach(principal, 'run')) ?? noSuchRun(runId)
    // Read the run first, so that `authorize` is not asked about a run that the reader cannot see.
    const { run, ...place } = (await store.getProgress(reach, runId)) ?? noSuchRun(runId)
    if (filter.includeDebug) await access.assertMay(principal, 'includeDebug', { run })
    if (filter.includeAll) await access.assertMay(principal, 'includeAll', { run })
    return { reach, run: { status: run.status, ...place } }
  }

  async function checkReader(asking: Principal, options: EventsOptions) {
    const principal = parsePrincipal(asking)
    const { runId, afterSeq, filter } = parseInput(Reading, options)
    const { reach, run } = await check(principal, { runId, filter })
    const confirm = async (reader: Principal) => void (await check(reader, { runId, filter }))
    if (afterSeq > run.lastSeq && options.mayBeAhead !== true) {
      throw new AgentRuntimeError('bad_request', `The cursor ${afterSeq} is beyond the run's newest event.`, {
        details: { lastSeq: run.lastSeq },
      })
    }
    return { reach, runId, afterSeq, run, confirm, visibilities: visibleTo(filter, settings.debugMode) }
  }

  return {
    async listEvents(asking, { limit: wanted, ...options }) {
      const { limit } = parseInput(Listing, { limit: wanted })
      const { reach, runId, afterSeq, visibilities } = await checkReader(asking, options)
      const page = await store.listEvents(reach, runId, { afterSeq, limit, visibilities })
      return { ...page, events: shownTo(page.events, visibilities) }
    },

    async follow(asking, { signal = new AbortController().signal, ...options }) {
      const { run, runId, afterSeq, visibilities, confirm } = await checkReader(asking, options)
      const { status, ...place } = run
      const progress = { ...place, isOver: isTerminal(status) }
      const batches = hub.follow({ runId, afterSeq, visibilities, ...progress, signal })
      return { run, batches, confirm }
    },
  }
}

export function noSuchRun(runId: string): never {
  throw new AgentRuntimeError('not_found', `There is no run ${runId}.`)
}
