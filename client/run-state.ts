// What a viewer knows of a run: a pure function from what was known and one more event.
import type { Run } from '../server/contract/run.ts'
import { AppendLog } from './append-log.ts'
import { childrenOf } from './child-runs.ts'
import type { ChildRun } from './child-runs.ts'
import type { Known, Told } from './known-run.ts'
import { NOTHING_KNOWN, reduceKnown, reduceRecord } from './known-run.ts'
import type { UntypedEvent } from './run-ending.ts'
import type { RunMessage, ToolInput } from './run-messages.ts'
import { messagesOf, newestText } from './run-messages.ts'

export interface RunState extends Told {
  /** The newest message, as far as it has arrived. */
  readonly text: string
  readonly messages: readonly RunMessage[]
  readonly toolInputs: readonly ToolInput[]
  /** Its children, and the runs further below that wait for an answer. */
  readonly children: readonly ChildRun[]
}

/** A class, because each event makes one of its objects and they cost little. */
class KnownState implements RunState {
  readonly #known: Known

  constructor(known: Known) {
    this.#known = known
    // Vue makes no proxy of a frozen object. A proxy could not read private fields.
    Object.freeze(this)
  }

  /** The state after a change of what is known. Returns the same object if nothing changed. */
  static changed(state: RunState, change: (known: Known) => Known): RunState {
    if (!(state instanceof KnownState))
      throw new TypeError('Go on from a state that the client made, not from a copy.')
    const next = change(state.#known)
    return next === state.#known ? state : new KnownState(next)
  }

  get status() {
    return this.#known.status
  }
  get attempt() {
    return this.#known.attempt
  }
  get text() {
    return newestText(this.#known.messages)
  }
  get messages() {
    return messagesOf(this.#known.messages)
  }
  get toolInputs() {
    return this.#known.toolInputs.toArray()
  }
  get waits() {
    return this.#known.waits
  }
  get events() {
    return this.#known.events
  }
  get usage() {
    return this.#known.usage
  }
  get children() {
    return childrenOf(this.#known.children)
  }
  get output() {
    return this.#known.output
  }
  get error() {
    return this.#known.error
  }
  get lastSeq() {
    return this.#known.lastSeq
  }
}

export const initialRunState = (): RunState => new KnownState({ ...NOTHING_KNOWN, events: new AppendLog() })

/**
 * The state after `event`. Events already seen change nothing. Unknown `run.…` events of a newer server are only recorded.
 * An event costs the same late in a run as early. Only the end of an attempt goes through all messages. The lists of a
 * state are made when they are read, so read them once for many events.
 *
 * @throws TypeError when `state` is a copy of a state.
 */
export const reduceRun = (state: RunState, event: UntypedEvent): RunState =>
  KnownState.changed(state, (known) => reduceKnown(known, event))

/** The state after the run's record was read, which tells how the run ended if no event did. */
export const reduceRunRecord = (state: RunState, run: Run): RunState =>
  KnownState.changed(state, (known) => reduceRecord(known, run))
