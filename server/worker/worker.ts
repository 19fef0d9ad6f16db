import { randomUUID } from 'node:crypto'
import type { AnyAgent } from '../agent/define-agent.ts'
import type { RunLog } from '../events/run-log.ts'
import { EventWriter } from '../events/writer.ts'
import { createGroupCommit } from '../group-commit.ts'
import type { ClaimedRun, Delivery, EventBus, Queue, Store } from '../ports.ts'
import { executeAttempt } from './execute-attempt.ts'
import type { ExecutePorts } from './execute-attempt.ts'
import { RunInterruption } from './interruption.ts'

export interface WorkerPorts extends Omit<ExecutePorts, 'writer' | 'store'> {
  store: Store
  queue: Queue
  bus: EventBus
}

export interface WorkerSettings {
  agents: ReadonlyMap<string, AnyAgent>
  /** Runs executed at once. */
  concurrency: number
  pollIntervalMs: number
  leaseTtlMs: number
}

interface Active {
  run: ClaimedRun
  delivery: Delivery
  controller: AbortController
  done: Promise<void>
}

/** A reason of its own: without one, each abort makes an error with a stack. */
const WOKEN = 'woken'

/**
 * Takes runs from the queue and executes them, up to its concurrency. Woken by hints, and by a slow
 * poll for those that got lost.
 */
export class Worker {
  readonly id: string = randomUUID()
  readonly #ports: WorkerPorts
  readonly #settings: WorkerSettings
  readonly #writer: EventWriter
  readonly #complete: (delivery: Delivery) => Promise<void>
  readonly #active = new Map<string, Active>()
  /** Deliveries on their way out of the queue. */
  readonly #forgetting = new Set<Promise<void>>()
  /** Agents whose queue is worth a look. */
  readonly #ready = new Set<string>()
  readonly #stopping = new AbortController()
  /** After `#stopping`, when nothing is under way any more: until then leases are renewed. */
  readonly #drained = new AbortController()
  #wake = new AbortController()
  #claiming: Promise<void> = Promise.resolve()
  #renewing: Promise<void> = Promise.resolve()
  #stopped: Promise<void> | undefined
  #unsubscribe: () => void = () => {}

  constructor(ports: WorkerPorts, settings: WorkerSettings) {
    this.#ports = ports
    this.#settings = settings
    this.#writer = new EventWriter(ports, (log) => this.#onFenced(log))
    this.#complete = createGroupCommit({
      maxBatch: 500,
      flush: async (deliveries: readonly Delivery[]) => {
        await ports.queue.complete(deliveries)
        return deliveries.map(() => undefined)
      },
    })
  }

  start(): void {
    this.#unsubscribe = this.#ports.bus.subscribe({
      onHint: (hint) => {
        if (hint.kind === 'queued' && this.#settings.agents.has(hint.agentKey)) {
          this.#ready.add(hint.agentKey)
          this.#wake.abort(WOKEN)
        }
        if (hint.kind === 'cancel') {
          this.#active.get(hint.runId)?.controller.abort(new RunInterruption('cancelled'))
        }
      },
      onResync: () => {
        this.#markAllReady()
        void this.#renew()
      },
    })
    this.#claiming = this.#claimLoop()
    this.#renewing = this.#renewLoop()
  }

  /** Stops taking runs and waits for those under way; what is left after `drainTimeoutMs` is left to its lease. */
  stop({ drainTimeoutMs = 30_000 }: { drainTimeoutMs?: number } = {}): Promise<void> {
    return (this.#stopped ??= this.#stop(drainTimeoutMs))
  }

  async #stop(drainTimeoutMs: number): Promise<void> {
    this.#stopping.abort()
    this.#wake.abort(WOKEN)
    // What is being taken at this moment is under way too.
    const drained = this.#claiming.then(() =>
      Promise.all([...this.#active.values()].map((active) => active.done)),
    )
    const timeUp = new AbortController()
    await Promise.race([drained, this.#ports.clock.sleep(drainTimeoutMs, timeUp.signal)])
    timeUp.abort()
    this.#drained.abort()
    this.#unsubscribe()
    for (const { controller } of this.#active.values()) controller.abort(new RunInterruption('lost'))
    await this.#writer.stop()
    await Promise.all([this.#claiming, this.#renewing, ...this.#forgetting])
  }

  #markAllReady(): void {
    for (const agentKey of this.#settings.agents.keys()) this.#ready.add(agentKey)
    this.#wake.abort(WOKEN)
  }

  async #claimLoop(): Promise<void> {
    const { clock, log } = this.#ports
    this.#markAllReady()
    while (!this.#stopping.signal.aborted) {
      this.#wake = new AbortController()
      try {
        await this.#claimReady()
      } catch (error) {
        log.warn({ err: error }, 'taking runs from the queue failed; trying again')
      }
      if (this.#stopping.signal.aborted) return
      // Without room there is nothing to look for until a run ends, which wakes this loop.
      if (this.#ready.size > 0 && this.#room > 0 && this.#wake.signal.aborted) continue
      await clock.sleep(this.#settings.pollIntervalMs, this.#wake.signal)
      if (!this.#wake.signal.aborted) this.#markAllReady()
    }
  }

  get #room(): number {
    return this.#settings.concurrency - this.#active.size
  }

  async #claimReady(): Promise<void> {
    for (const agentKey of this.#ready) {
      const room = this.#room
      if (room <= 0 || this.#stopping.signal.aborted) return
      this.#ready.delete(agentKey)
      const { deliveries, mayHaveMore } = await this.#ports.queue.fetch(agentKey, room)
      if (mayHaveMore) this.#ready.add(agentKey)
      if (deliveries.length > 0) await this.#claim(deliveries)
    }
  }

  async #claim(deliveries: readonly Delivery[]): Promise<void> {
    const byRun = new Map(deliveries.map((delivery) => [delivery.runId, delivery]))
    const lease = { workerId: this.id, ttlMs: this.#settings.leaseTtlMs }
    const { claimed, over } = await this.#ports.store.claimRuns([...byRun.keys()], lease)
    for (const run of claimed) {
      const delivery = byRun.get(run.id)
      if (delivery !== undefined) this.#execute(run, delivery)
    }
    for (const runId of over) {
      const delivery = byRun.get(runId)
      if (delivery !== undefined) void this.#forget(delivery)
    }
    // The rest is in other hands: its delivery comes back should those let go.
  }

  #execute(run: ClaimedRun, delivery: Delivery): void {
    const agent = this.#settings.agents.get(run.agentKey)
    if (agent === undefined) return
    const controller = new AbortController()
    if (run.cancelRequested) controller.abort(new RunInterruption('cancelled'))
    const runLog = this.#writer.open(run)
    // Readers wait for run.started too, which the claim has written.
    this.#ports.bus.publish([{ kind: 'events', runId: run.id, seq: run.lastSeq }])
    const ports = { ...this.#ports, writer: this.#writer }
    const active: Active = { run, delivery, controller, done: Promise.resolve() }
    this.#active.set(run.id, active)
    active.done = executeAttempt(ports, { run, agent, runLog, controller })
      .catch((error: unknown) => {
        this.#ports.log.error({ err: error, runId: run.id }, 'executing a run failed; it is taken up again')
        return 'lost' as const
      })
      .then((fate) => this.#release(active, fate))
  }

  async #release({ run, delivery }: Active, fate: 'over' | 'lost'): Promise<void> {
    // A later attempt of the same run may have its place already.
    if (this.#active.get(run.id)?.run.attempt === run.attempt) this.#active.delete(run.id)
    if (this.#ready.size > 0) this.#wake.abort(WOKEN)
    // A lost run's delivery belongs to whoever has it now.
    if (fate === 'over') await this.#forget(delivery)
  }

  async #forget(delivery: Delivery): Promise<void> {
    const forgotten = this.#complete(delivery).catch((error: unknown) => {
      const fields = { err: error, runId: delivery.runId }
      this.#ports.log.warn(fields, 'a delivery stays in the queue until it expires')
    })
    this.#forgetting.add(forgotten)
    await forgotten
    this.#forgetting.delete(forgotten)
  }

  #onFenced(log: RunLog): void {
    const active = this.#active.get(log.runId)
    if (active?.run.attempt === log.attempt) active.controller.abort(new RunInterruption('lost'))
  }

  async #renewLoop(): Promise<void> {
    const intervalMs = this.#settings.leaseTtlMs / 3
    while (!this.#drained.signal.aborted) {
      await this.#ports.clock.sleep(intervalMs, this.#drained.signal)
      await this.#renew()
    }
  }

  /** Keeps what this worker holds, and learns what it lost and what was cancelled without a hint. */
  async #renew(): Promise<void> {
    const active = [...this.#active.values()]
    if (active.length === 0) return
    try {
      const held = await this.#ports.store.renewLeases(
        active.map(({ run }) => ({ id: run.id, attempt: run.attempt })),
        this.#settings.leaseTtlMs,
      )
      const states = new Map(held.map((run) => [run.id, run]))
      for (const { run, controller } of active) {
        const state = states.get(run.id)
        if (state?.cancelRequested === true) controller.abort(new RunInterruption('cancelled'))
        // An attempt that ended meanwhile is no longer active, and its signal nobody's concern.
        if (state === undefined && this.#active.has(run.id)) controller.abort(new RunInterruption('lost'))
      }
      await this.#ports.queue.touch(active.map(({ delivery }) => delivery))
    } catch (error) {
      this.#ports.log.warn({ err: error }, 'renewing leases failed; trying again')
    }
  }
}
