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

/** Rows one statement takes at most: bounds its latency and its memory on both sides. */
const MAX_EVENTS_PER_FLUSH = 2_000
const MAX_EVENTS_PER_RUN = 500
const MAX_BYTES_PER_FLUSH = 4 * 1024 * 1024
/** What may wait for the store, over all runs of the process; beyond it, emitting waits. */
const MAX_BUFFERED_BYTES = 16 * 1024 * 1024
const RETRY_MIN_MS = 20
const RETRY_MAX_MS = 2_000

/** That a run is alive is no news to its readers: they find it with the next event, or when they look by themselves. */
export const HEARTBEAT = 'run.heartbeat'

interface WriterPorts {
  store: Pick<AttemptStore, 'append'>
  bus: Pick<EventBus, 'publish'>
  clock: Clock
  log: Logger
}

interface WriterListeners {
  onFenced(log: RunLog): void
  /** What the run emitted can't be stored, whoever tries. It takes nothing more than the attempt's end. */
  onRefused(log: RunLog, refusal: AgentRuntimeError): void
}

interface Written {
  outcomes: Map<string, AppendOutcome>
  queued: NewHint[]
}

/**
 * Writes what all runs of this process emit, by group commit: whatever came in while a flush was under
 * way makes the next one. A failed flush is repeated as it was; the store recognises one that had gone
 * through. One that failed for one of its runs, maybe, is repeated run by run. Readers are told after the commit.
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
  /** A flush is everybody's, whoever's event set it off: what fails in it must be laid to nobody. */
  readonly #inNobodysName = AsyncLocalStorage.snapshot()

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

  /** Resolves at once unless too much is buffered, then when less is. */
  emit(log: RunLog, event: EmittedEvent): Promise<void> {
    if (!log.isOpen || this.#stopping.signal.aborted) return Promise.resolve()
    this.#bufferedBytes += log.push(event)
    this.#schedule(log)
    // Whoever can't be written yet waits for it before it fills the buffer that all share.
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

  /** Gives up what is still unwritten; its runs are taken over when their leases run out. */
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
    this.#flushing ??= this.#inNobodysName(() => this.#flushAll())
  }

  async #flushAll(): Promise<void> {
    // Events emitted in one pass of the event loop go together.
    await this.#ports.clock.nextPass()
    while (this.#logs.size > 0 && !this.#stopping.signal.aborted) await this.#flush()
    // Here and not when the promise has settled: what is emitted between the two would start no flush.
    this.#flushing = undefined
  }

  async #flush(): Promise<void> {
    const batch: Share[] = []
    const runIds = new Set<string>()
    let budget = MAX_EVENTS_PER_FLUSH
    let bytes = MAX_BYTES_PER_FLUSH
    for (const log of this.#logs) {
      if (budget <= 0 || bytes <= 0) break
      // Two attempts of one run in one process: the older is about to find itself fenced.
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
    // A flush that had gone through before delivers nothing a second time: of what it did nobody was told.
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
      // Re-inserted at the end, so that one run's flood does not keep the others waiting.
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

/** Also those that wait: what they wait for may be there already. */
function mayBeQueued(batch: readonly RunAppend[]): NewHint[] {
  return batch.flatMap(({ ending }) =>
    ending !== undefined && goesOn(ending) ? [{ kind: 'queued' as const, agentKey: ending.agentKey }] : [],
  )
}

function isBeat({ events, ending }: RunAppend): boolean {
  return ending === undefined && events.every(({ type }) => type === HEARTBEAT)
}
