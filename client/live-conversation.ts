// The live part of a conversation, beside its stored history. A pure reducer: the state after one more event.
import type { AnyConversationEvent } from '../server/contract/conversation-event.ts'
import type { Message, StoredMessage } from '../server/contract/message.ts'
import { isTerminal } from '../server/contract/terminal.ts'
import { KeyedList } from './keyed-list.ts'
import type { Upload } from './with-files.ts'
import type { RunState } from './run-state.ts'
import { initialRunState, reduceRun } from './run-state.ts'

/** A run that was heard of live. */
export interface LiveRun {
  readonly runId: string
  readonly createdAt: string
  /** What it was asked; empty where that was in the history before. */
  readonly inputs: readonly StoredMessage[]
  readonly state: RunState
  /** The change by which it was created, and that by which it ended; 0 for neither. A history that was read after one tells of it. */
  readonly createdIn: number
  readonly endedIn: number
}

/** What this client asks, from the moment on in which it does. */
export interface Sending {
  readonly messages: readonly Message[]
  readonly at: string
  readonly runId: string | null
  /** Those that its messages have where the run was under way and was sent them; else empty. */
  readonly messageIds: readonly string[]
  /** The change after which it was sent. Infinity before that, while its files are uploaded. */
  readonly sentIn: number
  /** The change by which it was taken; 0 while it is on its way. */
  readonly takenIn: number
  /** How far its files are. Left out where it has none. */
  readonly upload?: Upload
}

/** In the order in which they were heard of. `runs` are the list's from then on. */
export const listOfRuns = (runs: LiveRun[]): KeyedList<LiveRun> => new KeyedList(({ runId }) => runId, runs)

/** The runs after an event. `change` is its number; the second is whether the history tells of it. */
export function reduceConversation(
  runs: KeyedList<LiveRun>,
  event: AnyConversationEvent,
  change: number,
): [runs: KeyedList<LiveRun>, isHistory: boolean] {
  const { runId, type } = event
  if (type === 'run.moved') return [runs, true]
  if (type === 'run.deleted') return [runs.without(runId), true]
  const before = runs.get(runId) ?? {
    runId,
    createdAt: event.ts,
    inputs: [],
    state: initialRunState(),
    createdIn: 0,
    endedIn: 0,
  }
  if (type === 'run.created') {
    const { messages } = event.payload as { messages: StoredMessage[] }
    return [runs.put({ ...before, inputs: messages, createdIn: change }), true]
  }
  const state = reduceRun(before.state, event)
  const hasEnded = isTerminal(state.status) && before.endedIn === 0
  return [runs.put({ ...before, state, endedIn: hasEnded ? change : before.endedIn }), hasEnded]
}
