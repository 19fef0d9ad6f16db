// A conversation's live state outside of any view. It is followed while somebody looks.
import type { AgentRuntimeError } from '../server/contract/agent-runtime-error.ts'
import type { AnyConversationEvent } from '../server/contract/conversation-event.ts'
import type { ConversationDetail } from '../server/contract/conversation.ts'
import type { Message } from '../server/contract/message.ts'
import { atIntervals } from './at-intervals.ts'
import type { ClientClock } from './clock.ts'
import { createListeners } from './listeners.ts'
import type { ConversationSignal } from './follow-conversation.ts'
import type { KeyedList } from './keyed-list.ts'
import { listOfRuns, reduceConversation } from './live-conversation.ts'
import type { LiveRun, Sending } from './live-conversation.ts'
import { madeOnce } from './made-once.ts'
import { toAgentError } from './to-agent-error.ts'
import type { Upload } from './with-files.ts'

/** The same object until something changes. */
export interface ConversationSnapshot {
  /** In the order in which they were heard of, until a history that was read since has what they said. */
  readonly runs: ReadonlyMap<string, LiveRun>
  readonly sending: readonly Sending[]
  /** Counts what a history tells of. One that was read before is to be read again. */
  readonly change: number
  /** Why it can't be followed. */
  readonly error: AgentRuntimeError | null
  /** The connection was lost and is being opened again. */
  readonly isRecovering: boolean
}

export interface ConversationStore {
  /** Names this store, whose changes no other one counts, also after the page was loaded anew. */
  readonly id: string
  getSnapshot(): ConversationSnapshot
  /** Follows the conversation, from the first history that was taken, until a moment after the last listener has left. */
  subscribe(listener: () => void): () => void
  readonly hasListeners: boolean
  /** Follows it once more where it could not be followed, or is only being asked for, and somebody listens. */
  followFailed(): void
  /** Ends its stream, also for those who listen. */
  close(): void
  /** Hears of each event as it comes, once and in order. @returns what ends it. */
  listen(hear: (event: AnyConversationEvent) => void): () => void
  /** A page of the history, read after this change. */
  take(page: ConversationDetail, readIn: number): void
  /** Shows what is asked before the server has it, and while its files are uploaded. */
  send(
    messages: readonly Message[],
    upload?: Upload,
  ): {
    /** Without `upload`, its files are there and it is asked. */
    changed(messages: readonly Message[], upload?: Upload): void
    /**
     * @param messageIds where the run was under way, and was sent them
     * @param conversationId the run's conversation, whose store shows the request too if this store is a draft's
     */
    taken(runId: string, messageIds?: readonly string[], conversationId?: string | null): void
    refused(): void
  }
}

interface ConversationStoreDependencies {
  clock: ClientClock
  /** Left out of a draft, which has no conversation to follow. */
  follow?(options: { after: string; signal: AbortSignal }): AsyncIterable<ConversationSignal>
  /** For a draft: the store of the conversation that a request has created. */
  storeOf?(conversationId: string): ConversationStore
  /** Milliseconds between notifications. Default: 16. */
  notifyIntervalMs?: number
  /** Milliseconds without listeners before the connection is closed. Default: 1,000. */
  detachDelayMs?: number
}

interface ConversationState extends Omit<ConversationSnapshot, 'runs'> {
  readonly runs: KeyedList<LiveRun>
}

const NOTHING: ConversationState = {
  runs: listOfRuns([]),
  sending: [],
  change: 0,
  error: null,
  isRecovering: false,
}

const runsOf = madeOnce(
  (runs: KeyedList<LiveRun>): ReadonlyMap<string, LiveRun> =>
    new Map(runs.toArray().map((run) => [run.runId, run])),
)

const snapshotOf = madeOnce((state: ConversationState): ConversationSnapshot => ({
  ...state,
  runs: runsOf(state.runs),
}))

// oxlint-disable-next-line max-lines-per-function -- Closures over one state, which changes in each of them.
export function createConversationStore({
  clock,
  follow,
  storeOf,
  notifyIntervalMs = 16,
  detachDelayMs = 1_000,
}: ConversationStoreDependencies): ConversationStore {
  const listeners = createListeners({ clock, detachDelayMs, attach: () => void attach(), detach })
  let state = NOTHING
  let snapshot = snapshotOf(state)
  let cursor: string | undefined
  let following: AbortController | undefined
  let isConnected = false
  const id = `${clock.now()} ${Math.random()}`
  const hearers = new Set<{ hear(event: AnyConversationEvent): void }>()

  const notify = atIntervals({ clock, intervalMs: notifyIntervalMs }, tell)

  function tell() {
    snapshot = snapshotOf(state)
    listeners.tell()
  }

  /** The history has what a run was sent once that is over. */
  function isUnread({ runId, messageIds }: Sending): boolean {
    return messageIds.length > 0 && state.runs.get(runId ?? '')?.endedIn === 0
  }

  function hear(heard: ConversationSignal) {
    isConnected = heard.type !== 'disconnected'
    if (heard.type !== 'event') {
      state = { ...state, isRecovering: heard.type === 'disconnected' }
      return
    }
    cursor = heard.event.cursor
    const [runs, isHistory] = reduceConversation(state.runs, heard.event, state.change + 1)
    state = { ...state, runs, change: state.change + (isHistory ? 1 : 0) }
    for (const hearer of [...hearers]) hearer.hear(heard.event)
  }

  async function attach() {
    if (!follow || following !== undefined || cursor === undefined || listeners.size === 0) return
    const controller = new AbortController()
    following = controller
    isConnected = false
    state = { ...state, error: null }
    let error: AgentRuntimeError | null = null
    try {
      for await (const heard of follow({ after: cursor, signal: controller.signal })) {
        if (controller.signal.aborted) break
        hear(heard)
        notify()
      }
    } catch (failure) {
      error = toAgentError(failure)
    }
    // Leaving is no failure; and a follower that left must not speak for the one after it.
    if (following !== controller) return
    following = undefined
    state = { ...state, error, isRecovering: false }
    notify()
  }

  function detach() {
    const left = following
    following = undefined
    left?.abort()
    state = { ...state, isRecovering: false }
  }

  return {
    id,
    getSnapshot: () => snapshot,
    get hasListeners() {
      return listeners.size > 0
    },
    subscribe: listeners.add,
    followFailed: () => {
      if (state.error === null && isConnected) return
      // A request that is under way may be refused yet.
      following?.abort()
      following = undefined
      void attach()
    },
    close: detach,
    listen(hear) {
      // An object for each call: the same function may listen twice.
      const hearer = { hear }
      hearers.add(hearer)
      return () => void hearers.delete(hearer)
    },
    take(page, readIn) {
      const isNeeded = ({ runId, endedIn, state: { status } }: LiveRun) =>
        endedIn === 0 ||
        endedIn > readIn ||
        // The history keeps only the texts and calls of a run that broke off. A page of another branch may show its question,
        // but none of its answer.
        (status !== 'succeeded' &&
          (page.messages.some((message) => message.runId === runId && message.incomplete === true) ||
            page.brokenOff?.some((broken) => broken.runId === runId) === true))
      const known = state.runs.toArray()
      const needed = known.filter(isNeeded)
      const runs = needed.length < known.length ? listOfRuns(needed) : state.runs
      const sending = state.sending.filter(
        (one) => one.takenIn === 0 || one.takenIn > readIn || isUnread(one),
      )
      if (runs !== state.runs || sending.length < state.sending.length) {
        state = { ...state, runs, sending }
        tell()
      }
      cursor ??= page.cursor
      void attach()
    },
    send(messages, upload) {
      const at = new Date(clock.now()).toISOString()
      const asked = (messages: readonly Message[], upload: Upload | undefined): Sending => ({
        messages,
        at,
        runId: null,
        messageIds: [],
        // A run that begins while the files are uploaded is another one.
        sentIn: upload ? Infinity : state.change,
        takenIn: 0,
        ...(upload && { upload }),
      })
      let mine = asked(messages, upload)
      const change = (next: Sending | null, changes = 0) => {
        const sending = state.sending.flatMap((one) => (one !== mine ? [one] : next === null ? [] : [next]))
        if (next !== null) mine = next
        state = { ...state, sending, change: state.change + changes }
        tell()
      }
      state = { ...state, sending: [...state.sending, mine] }
      tell()
      return {
        changed: (messages, upload) => change(asked(messages, upload)),
        taken(runId, messageIds = [], conversationId = null) {
          // The conversation has it first, because a page may show both stores.
          if (conversationId) storeOf?.(conversationId).send(mine.messages).taken(runId, messageIds)
          change({ ...mine, runId, messageIds, takenIn: state.change + 1 }, 1)
        },
        refused: () => change(null),
      }
    },
  }
}
