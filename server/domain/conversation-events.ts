import { z } from 'zod'
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import { ConversationRef } from '../contract/conversation.ts'
import type { AnyConversationEvent } from '../contract/conversation-event.ts'
import { EventFilter } from '../contract/event.ts'
import { pageLimit } from '../contract/page.ts'
import { parseInput } from '../contract/parse-input.ts'
import { parsePrincipal } from '../contract/principal.ts'
import type { Principal } from '../contract/principal.ts'
import type { RunSummary } from '../contract/run.ts'
import { isTerminal } from '../contract/terminal.ts'
import type { ConversationHub } from '../events/conversation-hub.ts'
import { noSuchConversation } from '../events/conversation-hub.ts'
import { decodePlace, placeAt } from '../events/conversation-place.ts'
import type { ConversationPlace } from '../events/conversation-place.ts'
import type { RunState } from '../events/run-to-open.ts'
import type { EventStream } from '../events/event-stream.ts'
import { approximateBytes } from '../events/event-ring.ts'
import { visibleTo } from '../events/visibility.ts'
import type { ConversationPlaces, ConversationStore } from '../ports/store/conversation-store.ts'
import { narrower } from '../ports/owner.ts'
import type { RunProgress, RunStore } from '../ports/store/run-store.ts'
import type { Access } from './access.ts'

export interface ConversationEventsOptions {
  conversationId: string
  /**
   * The `cursor` of the reader's last event, or of `get`; `now` to begin with runs under way and later ones. Default:
   * from the beginning.
   */
  after?: string | undefined
  /** Default: `user` events only. */
  filter?: Partial<EventFilter>
}

export interface ConversationPageOptions extends ConversationEventsOptions {
  /** From 1 to 1000. Default: 100. */
  limit?: number
}

export interface FollowConversationOptions extends ConversationEventsOptions {
  /**
   * Ends the stream without an error. Default: it ends when the runtime stops, and fails when the conversation is
   * deleted.
   */
  signal?: AbortSignal
}

export interface FollowedEvents {
  /** Where the stream begins. A reader that is cut off before the first event resumes here. */
  cursor: string
  /** Batches of {@link AnyConversationEvent}s. */
  batches: EventStream
  confirm(principal: Principal): Promise<void>
}

export interface ConversationEventPage {
  events: readonly AnyConversationEvent[]
  /** The cursor after the last of these events. */
  cursor: string
  hasMore: boolean
}

export interface ConversationEvents {
  /** The present events after the cursor: for each run its creation, then its visible events. */
  listEvents(principal: Principal, options: ConversationPageOptions): Promise<ConversationEventPage>
  /**
   * Checks access, then returns a stream of all present and future runs of a conversation. It stays open between runs.
   * `confirm` asks again whether a reader may see it, and rejects with `not_found` or `forbidden` when not.
   */
  follow(principal: Principal, options: FollowConversationOptions): Promise<FollowedEvents>
}

interface ConversationEventsPorts {
  store: Pick<ConversationStore, 'readConversationPlace'> & Pick<RunStore, 'getProgress'>
  hub: ConversationHub
  access: Access
}

const Reading = z.object({
  conversationId: ConversationRef.shape.conversationId,
  after: z.string().optional(),
  filter: EventFilter.prefault({}),
})
const Listing = z.object({ limit: pageLimit(1000, 100) })

/** The approximate size of a page, which has at least one event. */
const MAX_PAGE_BYTES = 1024 * 1024

/** Reads a conversation's runs as one stream: checks access and finds the place to begin. */
export function createConversationEvents(
  { store, hub, access }: ConversationEventsPorts,
  settings: { debugMode: boolean },
): ConversationEvents {
  async function assertMaySee(principal: Principal, run: RunSummary, filter: EventFilter): Promise<void> {
    if (filter.includeDebug) await access.assertMay(principal, 'includeDebug', { run })
    if (filter.includeAll) await access.assertMay(principal, 'includeAll', { run })
  }

  /** @throws AgentRuntimeError `not_found` or `forbidden` */
  async function check(
    principal: Principal,
    { conversationId, runIds, filter }: { conversationId: string; runIds: string[]; filter: EventFilter },
  ): Promise<ConversationPlaces> {
    const [one, other] = [await access.reach(principal, 'conversation'), await access.reach(principal, 'run')]
    const reach = one && other && narrower(one, other)
    const places = reach && (await store.readConversationPlace(reach, { conversationId, runIds }))
    if (places === null) throw noSuchConversation(conversationId)
    // `authorize` is only asked now: not about runs that the reader cannot see.
    const { newestRun, asked } = places
    const shown = new Map([...asked].map(([id, { run }]) => [id, run]))
    if (newestRun !== null) shown.set(newestRun.id, newestRun)
    for (const run of shown.values()) await assertMaySee(principal, run, filter)
    return places
  }

  async function checkReader(asking: Principal, options: ConversationEventsOptions) {
    const principal = parsePrincipal(asking)
    const { conversationId, after, filter } = parseInput(Reading, options)
    const given = after === undefined || after === 'now' ? undefined : decodePlace(conversationId, after)
    const runIds = given?.open.map(({ runId }) => runId) ?? []
    const places = await check(principal, { conversationId, runIds, filter })
    const place = given ?? (after === 'now' ? placeAt(places.progress) : BEGINNING)
    const seesMore = filter.includeDebug || filter.includeAll
    return {
      confirm: async (reader: Principal) =>
        void (await check(reader, { conversationId, runIds: [], filter })),
      followed: {
        conversationId,
        newest: place.newest,
        moves: places.moves,
        open: withStates(place, places),
        readState: async (runId: string) =>
          stateOf(await store.getProgress({ ...principal, scope: 'any' }, runId)),
        admit: seesMore ? (run: RunSummary) => assertMaySee(principal, run, filter) : undefined,
        visibilities: visibleTo(filter, settings.debugMode),
      },
      seen: { lastOrdinal: places.progress.newest, movedRunId: places.movedRunId },
    }
  }

  return {
    async listEvents(asking, { limit: wanted, ...options }) {
      const { limit } = parseInput(Listing, { limit: wanted })
      const { followed } = await checkReader(asking, options)
      const stream = hub.read({ ...followed, signal: new AbortController().signal })
      const events: AnyConversationEvent[] = []
      let bytes = 0
      let hasMore = false
      for await (const batch of stream) {
        for (const event of batch as readonly AnyConversationEvent[]) {
          hasMore = events.length === limit || bytes >= MAX_PAGE_BYTES
          if (hasMore) break
          events.push(event)
          bytes += approximateBytes(event.payload)
        }
        if (hasMore) break
      }
      return { events, cursor: events.at(-1)?.cursor ?? stream.cursor, hasMore }
    },

    async follow(asking, { signal = new AbortController().signal, ...options }) {
      const { followed, seen, confirm } = await checkReader(asking, options)
      const batches = hub.follow({ ...followed, ...seen, signal })
      return { cursor: batches.cursor, batches, confirm }
    },
  }
}

const BEGINNING: ConversationPlace = { newest: 0, open: [] }

/** @throws AgentRuntimeError `bad_request` for a place that no reader can have reached. */
function withStates(place: ConversationPlace, { asked, lastOrdinal, progress }: ConversationPlaces) {
  if (place.newest > Math.max(lastOrdinal, progress.newest)) throw beyond()
  const known = new Map(progress.open.map((run) => [run.id, { lastSeq: run.lastSeq, isOver: false }]))
  return place.open.map(({ runId, seq }) => {
    const run = asked.get(runId)
    const state = run === undefined ? (known.get(runId) ?? null) : stateOf(run)
    if (state !== null && seq > state.lastSeq) throw beyond()
    return { runId, seq, state }
  })
}

function stateOf(progress: RunProgress | null): RunState {
  if (progress === null) return null
  const { run, ...place } = progress
  return { ...place, isOver: isTerminal(run.status) }
}

function beyond(): AgentRuntimeError {
  return new AgentRuntimeError('bad_request', "The cursor is beyond the conversation's newest event.")
}
