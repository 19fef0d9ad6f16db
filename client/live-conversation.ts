// The live part of a conversation, beside its stored history: a pure reducer that makes the state after one more event.
import type { AnyConversationEvent } from '../server/contract/conversation-event.ts'
import type { Message, StoredMessage } from '../server/contract/message.ts'
import { isTerminal } from '../server/contract/terminal.ts'
import { KeyedList } from './keyed-list.ts'
import type { Upload } from './with-files.ts'
import type { RunState } from './run-state.ts'
import { initialRunState, reduceRun } from './run-state.ts'

/** A run that events have told of. */
export interface LiveRun {
  readonly runId: string
  readonly createdAt: string
  /** The messages that it was asked. Empty if the history had them before. */
  readonly inputs: readonly StoredMessage[]
  readonly state: RunState
  /** The numbers of the changes that created and ended it. 0: not seen. A history read after a change includes it. */
  readonly createdIn: number
  readonly endedIn: number
}

/** A request of this client, from the moment when it is made. */
export interface Sending {
  readonly messages: readonly Message[]
  readonly at: string
  readonly runId: string | null
  /** The ids of its messages, if they were sent to a run under way. Else empty. */
  readonly messageIds: readonly string[]
  /** The newest change when it was sent. Infinity while its files are uploaded. */
  readonly sentIn: number
  /** The change in which the server took it. 0 until then. */
  readonly takenIn: number
  /** The progress of its files. Left out if it has none. */
  readonly upload?: Upload
}

/** Lists runs in the order in which events told of them. The list takes over `runs`. */
export const listOfRuns = (runs: LiveRun[]): KeyedList<LiveRun> => new KeyedList(({ runId }) => runId, runs)

/** The runs after an event with the number `change`, and whether the event changes the history. */
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
