import type { AppendOutcome, AttemptEnding, RunAppend } from '../ports/attempt.ts'
import type { Clock } from '../ports/clock.ts'
import type { EventBus, NewHint } from '../ports/event-bus.ts'
import type { Logger } from '../ports/logger.ts'
import type { Queue } from '../ports/queue.ts'
import type { Store } from '../ports/store.ts'
import { createDelivery } from './delivery.ts'
import { RunLog } from './run-log.ts'
import type { EmittedEvent } from './run-log.ts'

/** Rows one statement takes at most: bounds its latency and its memory on both sides. */
const MAX_EVENTS_PER_FLUSH = 2_000
const MAX_EVENTS_PER_RUN = 500
const MAX_BYTES_PER_FLUSH = 4 * 1024 * 1024
/** What may wait for the store, over all runs of the process; beyond it, emitting waits. */
const MAX_BUFFERED_BYTES = 16 * 1024 * 1024
const RETRY_MIN_MS = 20
const RETRY_MAX_MS = 2_000

interface WriterPorts {
  store: Pick<Store, 'append'>
  /** Takes runs that are given back, in the transaction that writes so. */
  queue: Pick<Queue, 'enqueue'>
  bus: Pick<EventBus, 'publish'>
  clock: Clock
  log: Logger
}

/**
 * Writes what all runs of this process emit, by group commit: whatever came in while a flush was under
 * way makes the next one. A failed flush is repeated as it was; the store recognises one that had gone
 * through. Readers are told after the commit.
 */
export class EventWriter {
  readonly #ports: WriterPorts
  readonly #logs = new Set<RunLog>()
  #bufferedBytes = 0
  #room = Promise.withResolvers<void>()
  #flushing: Promise<void> | undefined
  readonly #stopping = new AbortController()
  readonly #onFenced: (log: RunLog) => void

  constructor(ports: WriterPorts, onFenced: (log: RunLog) => void) {
    this.#ports = ports
    this.#onFenced = onFenced
  }

  open(run: { id: string; attempt: number; lastSeq: number }): RunLog {
    return new RunLog(run)
  }

  /** Resolves at once unless too much is buffered, then when there is room again. */
  emit(log: RunLog, event: EmittedEvent): Promise<void> {
    if (!log.isOpen || this.#stopping.signal.aborted) return Promise.resolve()
    this.#bufferedBytes += log.push(event)
    this.#schedule(log)
    return this.#bufferedBytes < MAX_BUFFERED_BYTES ? Promise.resolve() : this.#room.promise
  }

  end(log: RunLog, event: EmittedEvent, ending: AttemptEnding): Promise<AppendOutcome> {
    if (this.#stopping.signal.aborted) return Promise.resolve('fenced')
    const outcome = log.end(event, ending)
    this.#schedule(log)
    return outcome
  }

  /** Gives up what is still unwritten; its runs are taken over when their leases run out. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#flushing
    for (const log of this.#logs) log.settle('fenced')
    this.#logs.clear()
    this.#room.resolve()
  }

  #schedule(log: RunLog): void {
    if (!log.hasPending) return
    this.#logs.add(log)
    this.#flushing ??= this.#flushAll()
  }

  async #flushAll(): Promise<void> {
    // Lets everything that is emitted in this turn of the event loop go together.
    await this.#ports.clock.nextTurn()
    while (this.#logs.size > 0 && !this.#stopping.signal.aborted) await this.#flush()
    // Here and not when the promise has settled: what is emitted between the two would start no flush.
    this.#flushing = undefined
  }

  async #flush(): Promise<void> {
    const logs: RunLog[] = []
    const batch: RunAppend[] = []
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
      logs.push(log)
      batch.push(append)
    }
    const written = await this.#append(batch)
    if (written === undefined) return
    this.#settle(logs, batch, written.outcomes)
    this.#ports.bus.publish(written.queued)
  }

  async #append(
    batch: readonly RunAppend[],
  ): Promise<{ outcomes: Map<string, AppendOutcome>; queued: NewHint[] } | undefined> {
    const { store, queue, clock } = this.#ports
    let isRepeated = false
    for (let delayMs = RETRY_MIN_MS; !this.#stopping.signal.aborted; delayMs *= 2) {
      const delivery = createDelivery(queue, clock)
      try {
        const outcomes = await store.append(batch, delivery.enqueue)
        // A flush that had gone through before queues nothing a second time.
        return { outcomes, queued: isRepeated ? mayBeQueued(batch) : delivery.hints() }
      } catch (error) {
        this.#ports.log.warn({ err: error, runs: batch.length }, 'writing events failed; trying again')
        isRepeated = true
        await this.#ports.clock.sleep(Math.min(delayMs, RETRY_MAX_MS), this.#stopping.signal)
      }
    }
    return undefined
  }

  #settle(logs: readonly RunLog[], batch: readonly RunAppend[], outcomes: Map<string, AppendOutcome>): void {
    const hints: NewHint[] = []
    for (const [index, log] of logs.entries()) {
      const outcome = outcomes.get(log.runId) ?? 'fenced'
      this.#bufferedBytes -= log.settle(outcome)
      // Re-inserted at the end, so that one run's flood does not keep the others waiting.
      this.#logs.delete(log)
      if (log.hasPending) this.#logs.add(log)
      const append = batch[index]
      if (outcome === 'written' && append !== undefined) {
        hints.push({ kind: 'events', runId: log.runId, seq: log.writtenSeq, written: [append] })
      }
      if (outcome === 'fenced') this.#onFenced(log)
    }
    this.#ports.bus.publish(hints)
    if (this.#bufferedBytes < MAX_BUFFERED_BYTES) {
      this.#room.resolve()
      this.#room = Promise.withResolvers()
    }
  }
}

/** Also those that wait: what they wait for may be there already. */
function mayBeQueued(batch: readonly RunAppend[]): NewHint[] {
  return batch.flatMap(({ ending }) =>
    ending?.status === 'queued' || ending?.status === 'waiting'
      ? [{ kind: 'queued' as const, agentKey: ending.agentKey }]
      : [],
  )
}
