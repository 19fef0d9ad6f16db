import { AsyncLocalStorage } from 'node:async_hooks'
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import { goesOn } from '../ports/attempt.ts'
import type { AppendOutcome, AttemptEnding, RunAppend } from '../ports/attempt.ts'
import type { Clock } from '../ports/clock.ts'
import type { EventBus, NewHint } from '../ports/event-bus.ts'
import type { Logger } from '../ports/logger.ts'
import type { AttemptStore } from '../ports/store/attempt-store.ts'
import { StoreFailure } from '../ports/store/store-failure.ts'
import { AppendsApart } from './appends-apart.ts'
import type { Share } from './appends-apart.ts'
import { RunLog } from './run-log.ts'
import type { EmittedEvent } from './emitted-event.ts'
import type { LastEvents, Settlement } from './run-log.ts'

/** The most rows in one statement. This bounds its latency, and its memory on both sides. */
const MAX_EVENTS_PER_FLUSH = 2_000
const MAX_EVENTS_PER_RUN = 500
const MAX_BYTES_PER_FLUSH = 4 * 1024 * 1024
/** The most bytes that all runs of the process may buffer. Beyond it, `emit` waits. */
const MAX_BUFFERED_BYTES = 16 * 1024 * 1024
const RETRY_MIN_MS = 20
const RETRY_MAX_MS = 2_000

/** A sign of life sends no hint. Readers find it with the next event, or at their next poll. */
export const HEARTBEAT = 'run.heartbeat'

interface WriterPorts {
  store: Pick<AttemptStore, 'append'>
  bus: Pick<EventBus, 'publish'>
  clock: Clock
  log: Logger
}

interface WriterListeners {
  onFenced(log: RunLog): void
  /** The run's events can never be stored. The log then only accepts the attempt's ending. */
  onRefused(log: RunLog, refusal: AgentRuntimeError): void
}

interface Written {
  outcomes: Map<string, AppendOutcome>
  queued: NewHint[]
}

/**
 * Writes the events of all runs of this process by group commit: events that arrive during a flush make the next one. A
 * failed flush is repeated unchanged, and the store recognises one that had been written. If a single run may be to
 * blame, the flush is repeated run by run. Readers are told after the commit.
 */
export class EventWriter {
  readonly #ports: WriterPorts
  readonly #logs = new Set<RunLog>()
  #bufferedBytes = 0
  #drained = Promise.withResolvers<void>()
  #flushing: Promise<void> | undefined
  readonly #stopping = new AbortController()
  readonly #apart: AppendsApart
  readonly #listeners: WriterListeners
  /**
   * Runs a flush outside the async context of the event that started it. A flush serves many runs, so its errors must
   * not be attributed to one.
   */
  readonly #outsideOfContext = AsyncLocalStorage.snapshot()

  constructor(ports: WriterPorts, listeners: WriterListeners) {
    this.#ports = ports
    this.#listeners = listeners
    this.#apart = new AppendsApart({
      clock: ports.clock,
      log: ports.log,
      write: async (share) => this.#settle([share], await this.#write([share], { isRepeated: true })),
      onRefused: (share, error) => this.#refuse(share, error),
      onRejoined: (log) => this.#schedule(log),
      signal: this.#stopping.signal,
    })
  }

  open(run: { id: string; attempt: number; lastSeq: number }): RunLog {
    return new RunLog(run)
  }

  /** Resolves at once, or when the buffer has room again. */
  emit(log: RunLog, event: EmittedEvent): Promise<void> {
    if (!log.isOpen || this.#stopping.signal.aborted) return Promise.resolve()
    this.#bufferedBytes += log.push(event)
    this.#schedule(log)
    // A run that cannot be written yet waits here, before it fills the buffer that all share.
    const rejoined = this.#apart.rejoined(log)
    if (rejoined !== undefined) return rejoined
    return this.#bufferedBytes < MAX_BUFFERED_BYTES ? Promise.resolve() : this.#drained.promise
  }

  end(log: RunLog, last: LastEvents, ending: AttemptEnding): Promise<Settlement> {
    if (this.#stopping.signal.aborted) return Promise.resolve('fenced')
    const outcome = log.end(last, ending)
    this.#schedule(log)
    return outcome
  }

  /** Gives up events that are still unwritten. Other workers take their runs when the leases run out. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#flushing
    for (const log of [...this.#logs, ...(await this.#apart.stopped())]) log.settle('fenced')
    this.#logs.clear()
    this.#drained.resolve()
  }

  #schedule(log: RunLog): void {
    if (!log.hasPending || this.#apart.rejoined(log) !== undefined) return
    this.#logs.add(log)
    this.#flushing ??= this.#outsideOfContext(() => this.#flushAll())
  }

  async #flushAll(): Promise<void> {
    // Events emitted in one pass of the event loop go together.
    await this.#ports.clock.nextPass()
    while (this.#logs.size > 0 && !this.#stopping.signal.aborted) await this.#flush()
    // Clear it here. If it were cleared when the promise settles, an event emitted in between would start no flush.
    this.#flushing = undefined
  }

  async #flush(): Promise<void> {
    const batch: Share[] = []
    const runIds = new Set<string>()
    let budget = MAX_EVENTS_PER_FLUSH
    let bytes = MAX_BYTES_PER_FLUSH
    for (const log of this.#logs) {
      if (budget <= 0 || bytes <= 0) break
      // A process may have two attempts of one run; the older one is about to be fenced. Write one of them at a time.
      if (runIds.has(log.runId)) continue
      runIds.add(log.runId)
      const append = log.nextAppend({ maxEvents: Math.min(MAX_EVENTS_PER_RUN, budget), maxBytes: bytes })
      budget -= append.events.length
      for (const event of append.events) bytes -= event.payload.length
      batch.push({ log, append })
    }
    const written = await this.#append(batch)
    if (written !== undefined) this.#settle(batch, written)
  }

  async #append(batch: readonly Share[]): Promise<Written | undefined> {
    let isRepeated = false
    for (let delayMs = RETRY_MIN_MS; !this.#stopping.signal.aborted; delayMs *= 2) {
      try {
        return await this.#write(batch, { isRepeated })
      } catch (error) {
        this.#ports.log.warn({ err: error, runs: batch.length }, 'writing events failed; trying again')
        if (error instanceof StoreFailure) {
          for (const { log } of batch) this.#logs.delete(log)
          this.#apart.add(batch, error)
          return undefined
        }
        isRepeated = true
        await this.#ports.clock.sleep(Math.min(delayMs, RETRY_MAX_MS), this.#stopping.signal)
      }
    }
    return undefined
  }

  async #write(batch: readonly Share[], { isRepeated }: { isRepeated: boolean }): Promise<Written> {
    const appends = batch.map(({ append }) => append)
    const outcomes = await this.#ports.store.append(appends)
    // A repeated flush may have been written by the first try, whose hints were never sent. So send them for all its
    // runs.
    return { outcomes, queued: isRepeated ? mayBeQueued(appends) : [] }
  }

  #refuse({ log }: Share, error: StoreFailure): void {
    this.#ports.log.error(
      { err: error, runId: log.runId },
      "a run's events can't be stored: its attempt fails",
    )
    const message = `What the run emitted or ended with can't be stored. ${error.message}`
    const refusal = new AgentRuntimeError('validation_failed', message, { cause: error })
    this.#free(log.refuse(refusal))
    this.#listeners.onRefused(log, refusal)
  }

  #settle(batch: readonly Share[], { outcomes, queued }: Written): void {
    const hints: NewHint[] = []
    let freed = 0
    for (const { log, append } of batch) {
      const outcome = outcomes.get(log.runId) ?? 'fenced'
      freed += log.settle(outcome)
      // Move it to the end, so that one busy run does not keep the others waiting.
      this.#logs.delete(log)
      if (log.hasPending) this.#logs.add(log)
      if (outcome === 'written' && !isBeat(append)) {
        hints.push({ kind: 'events', runId: log.runId, seq: log.writtenSeq, written: [append] })
      }
      if (outcome === 'fenced') this.#listeners.onFenced(log)
    }
    this.#ports.bus.publish(hints)
    this.#ports.bus.publish(queued)
    this.#free(freed)
  }

  #free(bytes: number): void {
    this.#bufferedBytes -= bytes
    if (this.#bufferedBytes < MAX_BUFFERED_BYTES) {
      this.#drained.resolve()
      this.#drained = Promise.withResolvers()
    }
  }
}

/** Hints for runs that may be queued now. Waiting runs too: their wait may be over already. */
function mayBeQueued(batch: readonly RunAppend[]): NewHint[] {
  return batch.flatMap(({ ending }) =>
    ending !== undefined && goesOn(ending) ? [{ kind: 'queued' as const, agentKey: ending.agentKey }] : [],
  )
}

function isBeat({ events, ending }: RunAppend): boolean {
  return ending === undefined && events.every(({ type }) => type === HEARTBEAT)
}
