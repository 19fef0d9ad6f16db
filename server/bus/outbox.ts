import type { RunAppend } from '../ports/attempt.ts'
import type { Clock } from '../ports/clock.ts'
import type { NewHint, OfferedRun } from '../ports/event-bus.ts'
import { MAX_NAMED_RUNS } from './hint-text.ts'

/** How much payload a hint may carry. Above this, reading from the store is faster. */
export const MAX_CARRIED_CHARACTERS = 32_768

const STOP_TIMEOUT_MS = 1_000

type EventsHint = Extract<NewHint, { kind: 'events' }>
type QueuedHint = Extract<NewHint, { kind: 'queued' }>
/** A `queued` hint that grows. */
interface Offer {
  kind: 'offer'
  agentKey: string
  /** By id. Undefined: too many to be named, so every worker looks for itself. */
  runs: Map<string, OfferedRun> | undefined
}
type Pending = Exclude<NewHint, QueuedHint> | Offer

export interface Outbox {
  publish(hints: readonly NewHint[]): void
  /** Accepts nothing more. Resolves when everything was sent, or after one second. */
  stop(): Promise<void>
}

/**
 * Holds hints until they are sent, one batch at a time. Hints that are published meanwhile join the next batch, merged
 * into one for each run, so a slow or absent receiver costs little memory.
 *
 * @param send must not throw.
 */
export function createOutbox(clock: Clock, send: (hints: readonly NewHint[]) => Promise<void>): Outbox {
  let pending = new Map<string, Pending>()
  let sending: Promise<void> | undefined
  let isStopped = false

  async function sendAll(): Promise<void> {
    while (pending.size > 0) {
      const hints = Array.from(pending.values(), toHint)
      pending = new Map()
      await send(hints)
    }
    sending = undefined
  }

  return {
    publish(hints) {
      if (isStopped || hints.length === 0) return
      for (const hint of hints) {
        const key = keyOf(hint)
        const other = pending.get(key)
        if (hint.kind === 'queued') pending.set(key, withRuns(other, hint))
        else pending.set(key, other === undefined ? hint : newer(other, hint))
      }
      sending ??= sendAll()
    },
    async stop() {
      isStopped = true
      const sent = new AbortController()
      await Promise.race([sending?.then(() => sent.abort()), clock.sleep(STOP_TIMEOUT_MS, sent.signal)])
    },
  }
}

/** Adds runs to an offer in place: copying it for each run would take the square of their number. */
function withRuns(other: Pending | undefined, { agentKey, runs }: QueuedHint): Offer {
  const offer: Offer = other?.kind === 'offer' ? other : { kind: 'offer', agentKey, runs: new Map() }
  for (const run of runs ?? []) offer.runs?.set(run.runId, run)
  if (runs === undefined || (offer.runs?.size ?? 0) > MAX_NAMED_RUNS) offer.runs = undefined
  return offer
}

function toHint(pending: Pending): NewHint {
  if (pending.kind !== 'offer') return pending
  const { agentKey, runs } = pending
  return { kind: 'queued', agentKey, ...(runs !== undefined && { runs: [...runs.values()] }) }
}

/** Merges two hints with one key. They come from several parts of a process, not always in order. */
function newer(one: Pending, other: Pending): Pending {
  if (one.kind !== 'events' || other.kind !== 'events') return other
  const [older, newest] = one.seq <= other.seq ? [one, other] : [other, one]
  const written = joined(older, newest)
  return { kind: 'events', runId: newest.runId, seq: newest.seq, ...(written && { written }) }
}

/** The newest written events without a gap, as many as a hint may carry. */
function joined(older: EventsHint, newest: EventsHint): EventsHint['written'] {
  if (older.written === undefined || newest.written?.[0]?.baseSeq !== older.seq) return newest.written
  const both = [...older.written, ...newest.written]
  return charactersIn(both) > MAX_CARRIED_CHARACTERS ? newest.written : both
}

export function charactersIn(written: readonly RunAppend[]): number {
  let characters = 0
  for (const { events } of written) for (const event of events) characters += event.payload.length
  return characters
}

function keyOf(hint: NewHint): string {
  switch (hint.kind) {
    case 'queued':
      return `queued ${hint.agentKey}`
    case 'worker':
      return `worker ${hint.workerId}`
    case 'conversation':
      return `conversation ${hint.conversationId}`
    case 'events':
    case 'cancel':
    case 'deleted':
      return `${hint.kind} ${hint.runId}`
  }
}
