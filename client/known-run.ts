// The known state of a run, and pure functions that make the next state from one more event.
import type { Json } from '../server/contract/json.ts'
import type { Usage } from '../server/contract/budget.ts'
import type { Run, RunError, RunStatus } from '../server/contract/run.ts'
import type { PendingWait } from '../server/contract/wait.ts'
import { isTerminal } from '../server/contract/terminal.ts'
import type { AppendLog } from './append-log.ts'
import { NO_CHILDREN, reduceChildren } from './child-runs.ts'
import type { ChildRuns } from './child-runs.ts'
import type { RunEnding, UntypedEvent } from './run-ending.ts'
import { endingOfEvent, endingOfRun, fieldsOf } from './run-ending.ts'
import {
  withCall,
  withInput,
  withoutOpenCalls,
  withoutWaits,
  withProgress,
  withResult,
  withWait,
} from './run-calls.ts'
import type { SaidState } from './run-messages.ts'
import { NOTHING_SAID, withCustom, withoutVoid, withReceived, withSaid } from './run-messages.ts'

/** What is known of a run beside its messages and the runs below it. */
export interface Told {
  readonly status: RunStatus
  /** The newest attempt heard of; 0 before the first. */
  readonly attempt: number
  /** What the run waits for, while it waits. */
  readonly waits: readonly PendingWait[]
  /** All events seen, of all attempts. */
  readonly events: AppendLog<UntypedEvent>
  /** The usage of its models so far, over all attempts. Null until an event tells it, which only readers of debug events get. */
  readonly usage: Usage | null
  readonly output: Json
  readonly error: RunError | null
  /** The newest event seen. Reading continues after it. */
  readonly lastSeq: number
}

/** Everything that the reducer needs for the next event. */
export interface Known extends Told, SaidState {
  readonly children: ChildRuns
}

export const NOTHING_KNOWN: Omit<Known, 'events'> = {
  status: 'queued',
  attempt: 0,
  ...NOTHING_SAID,
  usage: null,
  children: NO_CHILDREN,
  output: null,
  error: null,
  lastSeq: 0,
}

/** Events already seen change nothing. Unknown `run.…` events of a newer server are only recorded. */
export function reduceKnown(state: Known, event: UntypedEvent): Known {
  if (event.seq <= state.lastSeq) return state
  const seen: Known = { ...state, lastSeq: event.seq, events: state.events.append(event) }
  if (isTerminal(state.status) || event.attempt < state.attempt) return seen
  const current = atAttempt(seen, event.attempt)
  const ending = endingOfEvent(event)
  if (ending !== null) return ended(current, ending)
  switch (event.type) {
    case 'assistant.delta':
      return running(withSaid(current, event.payload, { type: 'text' }))
    case 'assistant.message':
      return running(withSaid(current, event.payload, { type: 'text', whole: true }))
    case 'reasoning.delta':
      return running(withSaid(current, event.payload, { type: 'reasoning' }))
    case 'user.message':
      return running(withReceived(current, event.payload))
    case 'tool.input':
      return running(withInput(current, event.payload))
    case 'tool.call':
      return running(withCall(current, event.payload))
    case 'tool.progress':
      return running(withProgress(current, event.payload))
    case 'tool.result':
      return running(withResult(current, event.payload))
    case 'usage':
      return running(withUsage(current, event.payload))
    case 'run.retrying':
      return { ...withoutVoid(withoutWaits(current), isNamedBy(event.payload)), status: 'queued' }
    case 'run.resumed':
      return { ...withoutWaits(current), status: 'queued' }
    case 'run.waiting':
      return waiting(current, event.payload)
    case 'child.started':
    case 'child.waiting':
    case 'child.ended':
      return {
        ...withUsage(current, fieldsOf(event.payload)['usage']),
        children: reduceChildren(current.children, event),
      }
    case 'run.started':
    case 'run.heartbeat':
      return { ...current, status: 'running' }
    default:
      if (event.type.startsWith('run.')) return current
      // All other events come from the agent, which emits only while it runs.
      return running(OTHERS.has(event.type) ? current : withCustom(current, event))
  }
}

/** Applies the run's record, which tells how the run ended if no event did. */
export function reduceRecord(state: Known, run: Run): Known {
  const ending = endingOfRun(run)
  if (isTerminal(state.status)) {
    // An event may have told how the run ended without its output.
    const isSame = ending?.status === state.status && state.output === null
    return isSame ? { ...state, output: ending.output } : state
  }
  if (run.attempt < state.attempt) return state
  const current = atAttempt(state, run.attempt)
  return ending === null ? { ...current, status: run.status } : ended(current, ending)
}

const running = (state: Known): Known => ({ ...state, status: 'running' })

/** Events of the runtime that are no part of a message. */
const OTHERS: ReadonlySet<string> = new Set([
  'error',
  'step.completed',
  'context.compacted',
  'state.checkpoint',
])

function atAttempt(state: Known, attempt: number): Known {
  if (attempt <= state.attempt) return state
  const known = withoutWaits(state)
  // That attempt ended without an event, so its messages are void.
  const kept = state.status === 'running' ? withoutVoid(known, () => true) : known
  return { ...(kept.toolInputs.toArray().length === 0 ? kept : withoutOpenCalls(kept, false)), attempt }
}

/** Returns whether a message is void. A payload that lists no messages means all of them. */
function isNamedBy(payload: unknown): (id: string) => boolean {
  const { messageIds } = fieldsOf(payload)
  if (!Array.isArray(messageIds)) return () => true
  const ids = new Set<unknown>(messageIds)
  return (id) => ids.has(id)
}

function ended(state: Known, { status, output, error }: RunEnding): Known {
  return { ...withoutOpenCalls(withoutWaits(state), true), status, output, error }
}

function waiting(state: Known, payload: unknown): Known {
  // The events of an attempt's waits come after all its other events.
  const wait = fieldsOf(payload) as unknown as PendingWait
  // Children have their own events, and a wait for a child asks nobody.
  const known = wait.kind === 'child' ? state : withWait(state, wait)
  return { ...known, status: 'waiting' }
}

function withUsage(state: Known, payload: unknown): Known {
  if (payload === null || payload === undefined) return state
  const { inputTokens, outputTokens, cachedInputTokens, cost } = fieldsOf(payload)
  const before = state.usage ?? { inputTokens: 0, outputTokens: 0, cachedInputTokens: 0, cost: 0 }
  const usage = {
    inputTokens: before.inputTokens + numberOf(inputTokens),
    outputTokens: before.outputTokens + numberOf(outputTokens),
    cachedInputTokens: before.cachedInputTokens + numberOf(cachedInputTokens),
    cost: before.cost === null || typeof cost !== 'number' ? null : before.cost + cost,
  }
  return { ...state, usage }
}

const numberOf = (value: Json | undefined): number => (typeof value === 'number' ? value : 0)
