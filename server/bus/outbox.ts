import type { RunAppend } from '../ports/attempt.ts'
import type { Clock } from '../ports/clock.ts'
import type { NewHint, OfferedRun } from '../ports/event-bus.ts'
import { MAX_NAMED_RUNS } from './hint-text.ts'

/** How much payload a hint may carry. Above this, reading from the store is faster. */
export const MAX_CARRIED_CHARACTERS = 32_768

const STOP_TIMEOUT_MS = 1_000

type EventsHint = Extract<NewHint, { kind: 'events' }>
type QueuedHint = Extract<NewHint, { kind: 'queued' }>

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
  let pending = new Map<string, NewHint>()
  let sending: Promise<void> | undefined
  let isStopped = false

  async function sendAll(): Promise<void> {
    while (pending.size > 0) {
      const hints = [...pending.values()]
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
        pending.set(key, other === undefined ? hint : newer(other, hint))
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

/** Merges two hints with one key. They come from several parts of a process, not always in order. */
function newer(one: NewHint, other: NewHint): NewHint {
  if (one.kind === 'queued' && other.kind === 'queued') return bothQueued(one, other)
  if (one.kind !== 'events' || other.kind !== 'events') return other
  const [older, newest] = one.seq <= other.seq ? [one, other] : [other, one]
  const written = joined(older, newest)
  return { kind: 'events', runId: newest.runId, seq: newest.seq, ...(written && { written }) }
}

function bothQueued({ agentKey, runs: some }: QueuedHint, { runs: others }: QueuedHint): QueuedHint {
  if (some === undefined || others === undefined) return { kind: 'queued', agentKey }
  const runs = new Map<string, OfferedRun>([...some, ...others].map((run) => [run.runId, run]))
  return runs.size > MAX_NAMED_RUNS
    ? { kind: 'queued', agentKey }
    : { kind: 'queued', agentKey, runs: [...runs.values()] }
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
