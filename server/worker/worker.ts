import { randomUUID } from 'node:crypto'
import type { AnyAgent } from '../agent/define-agent.ts'
import { isTerminal } from '../contract/terminal.ts'
import { giveTurns } from '../domain/turns.ts'
import type { RunLog } from '../events/run-log.ts'
import { EventWriter, HEARTBEAT } from '../events/writer.ts'
import type { ClaimedRun } from '../ports/attempt.ts'
import type { EventBus } from '../ports/event-bus.ts'
import type { Announcement, Presence } from '../ports/presence.ts'
import type { Queue } from '../ports/queue.ts'
import type { Store } from '../ports/store.ts'
import { executeAttempt } from './execute-attempt.ts'
import type { ExecutePorts } from './execute-attempt.ts'
import { Intake } from './intake.ts'
import { RunInterruption } from './interruption.ts'
import { keepLeases, renewLeases } from './lease-keeper.ts'
import { Peers } from './peers.ts'

export interface WorkerPorts extends Omit<ExecutePorts, 'writer' | 'store' | 'leaseTtlMs'> {
  store: Store
  queue: Queue
  bus: EventBus
  presence: Presence
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
  controller: AbortController
  beat(): void
  done: Promise<void>
}

/** How long `run.started` may wait for an event to be told of with. */
const START_HINT_DELAY_MS = 20
/** Beyond the grace period, for writing that runs are handed back. */
const HAND_BACK_MS = 2_000

/** Executes runs, as many at once as its concurrency allows, and holds them by leases meanwhile. */
export class Worker {
  readonly id: string = randomUUID()
  readonly #ports: WorkerPorts
  readonly #settings: WorkerSettings
  readonly #writer: EventWriter
  readonly #peers: Peers
  readonly #intake: Intake
  readonly #active = new Map<string, Active>()
  /** Runs of which a hint says that they were cancelled. */
  readonly #toAskAfter = new Set<string>()
  #asking: Promise<void> | undefined
  readonly #stopping = new AbortController()
  /** After `#stopping`, when nothing is under way any more: until then leases are renewed. */
  readonly #drained = new AbortController()
  #starting: Promise<void> = Promise.resolve()
  #claiming: Promise<unknown> = Promise.resolve()
  #leasing: Promise<void> = Promise.resolve()
  #stopped: Promise<void> | undefined
  #unsubscribe: () => void = () => {}
  #presence: Announcement | undefined

  constructor(ports: WorkerPorts, settings: WorkerSettings) {
    this.#ports = ports
    this.#settings = settings
    this.#writer = new EventWriter(ports, {
      onFenced: (log) => this.#abort(log, new RunInterruption('lost')),
      onRefused: (log, cause) => this.#abort(log, new RunInterruption('failed', { cause })),
    })
    // Whoever is taken for gone would lose what it takes, again and again.
    const room = () => (this.#presence?.isShown() === true ? settings.concurrency - this.#active.size : 0)
    const agentKeys = [...settings.agents.keys()]
    this.#peers = new Peers(ports, {
      workerId: this.id,
      agentKeys,
      hasRoom: () => room() > 0,
      signal: this.#stopping.signal,
    })
    this.#intake = new Intake(ports, {
      agentKeys,
      peers: this.#peers,
      pollIntervalMs: settings.pollIntervalMs,
      lease: { workerId: this.id, ttlMs: settings.leaseTtlMs },
      room,
      onClaimed: (run) => this.#execute(run),
      signal: this.#stopping.signal,
    })
  }

  start(): Promise<void> {
    return (this.#starting = this.#start())
  }

  async #start(): Promise<void> {
    this.#presence = await this.#ports.presence.announce(this.id, () => this.#intake.look())
    if (this.#stopping.signal.aborted) return
    this.#unsubscribe = this.#ports.bus.subscribe({
      onHint: (hint) => {
        switch (hint.kind) {
          case 'queued':
            return this.#intake.offer(hint)
          case 'events':
            return this.#intake.withdraw(hint.runId, hint.seq)
          case 'worker':
            return this.#peers.hear(hint)
          case 'cancel':
            return this.#askAfter(hint.runId)
        }
      },
      onResync: () => {
        this.#peers.forgetAll()
        this.#intake.look()
        void renewLeases(this.#ports, this.#leases)
      },
    })
    this.#claiming = Promise.all([this.#intake.run(), this.#peers.keepTelling()])
    this.#leasing = keepLeases(this.#ports, { ...this.#leases, signal: this.#drained.signal })
  }

  /**
   * Stops taking runs and waits for those under way. What is left after `drainTimeoutMs` is handed back
   * without spending an attempt; what does not let go within the grace period is left to be recovered.
   */
  stop({ drainTimeoutMs = 30_000 }: { drainTimeoutMs?: number } = {}): Promise<void> {
    return (this.#stopped ??= this.#stop(drainTimeoutMs))
  }

  async #stop(drainTimeoutMs: number): Promise<void> {
    this.#stopping.abort()
    // One that fails has told whoever asked for it.
    await this.#starting.catch(() => {})
    await this.#endWithin(drainTimeoutMs)
    for (const { controller } of this.#active.values()) controller.abort(new RunInterruption('drained'))
    await this.#endWithin(this.#ports.cancelGraceMs + HAND_BACK_MS)
    this.#drained.abort()
    this.#unsubscribe()
    for (const { controller } of this.#active.values()) controller.abort(new RunInterruption('lost'))
    await this.#writer.stop()
    await Promise.all([this.#claiming, this.#leasing, this.#asking])
    await this.#presence?.end()
  }

  async #endWithin(ms: number): Promise<void> {
    // What is being taken at this moment is under way too.
    const ended = this.#claiming.then(() =>
      Promise.all([...this.#active.values()].map((active) => active.done)),
    )
    const timeUp = new AbortController()
    await Promise.race([ended, this.#ports.clock.sleep(ms, timeUp.signal)])
    timeUp.abort()
  }

  get #leases() {
    return { held: () => [...this.#active.values()], ttlMs: this.#settings.leaseTtlMs }
  }

  /** A hint is no proof: whether the run was cancelled, its row says. One statement for all that are told of at once. */
  #askAfter(runId: string): void {
    if (!this.#active.has(runId)) return
    this.#toAskAfter.add(runId)
    this.#asking ??= this.#ask()
  }

  async #ask(): Promise<void> {
    while (this.#toAskAfter.size > 0) {
      const runIds = [...this.#toAskAfter]
      this.#toAskAfter.clear()
      const held = () => runIds.flatMap((id) => this.#active.get(id) ?? [])
      await renewLeases(this.#ports, { ...this.#leases, held })
    }
    this.#asking = undefined
  }

  #execute(run: ClaimedRun): void {
    const agent = this.#settings.agents.get(run.agentKey)
    if (agent === undefined) return
    const controller = new AbortController()
    if (run.cancelRequested) controller.abort(new RunInterruption('cancelled'))
    const runLog = this.#writer.open(run)
    void this.#announceStart(run, runLog)
    const ports = { ...this.#ports, writer: this.#writer, leaseTtlMs: this.#settings.leaseTtlMs }
    const active: Active = { run, controller, beat: () => this.#beat(runLog), done: Promise.resolve() }
    // It may be this very worker that was overtaken.
    this.#active.get(run.id)?.controller.abort(new RunInterruption('lost'))
    this.#active.set(run.id, active)
    active.done = executeAttempt(ports, { run, agent, runLog, controller })
      .catch((error: unknown) => {
        this.#ports.log.error({ err: error, runId: run.id }, 'executing a run failed; it is taken up again')
        return 'lost' as const
      })
      .then((fate) => this.#release(active, fate))
  }

  #beat(runLog: RunLog): void {
    const { clock, visibilityOf } = this.#ports
    const ts = new Date(clock.now()).toISOString()
    void this.#writer.emit(runLog, { type: HEARTBEAT, payload: {}, visibility: visibilityOf(HEARTBEAT), ts })
  }

  /** Of most runs the next event tells too; a hint for the first alone is for those that begin slowly. */
  async #announceStart(run: ClaimedRun, runLog: RunLog): Promise<void> {
    await this.#ports.clock.sleep(START_HINT_DELAY_MS)
    if (runLog.writtenSeq > run.lastSeq) return
    this.#ports.bus.publish([{ kind: 'events', runId: run.id, seq: run.lastSeq }])
  }

  async #release({ run }: Active, fate: Awaited<ReturnType<typeof executeAttempt>>): Promise<void> {
    // A later attempt of the same run may have its place already.
    if (this.#active.get(run.id)?.run.attempt === run.attempt) this.#active.delete(run.id)
    this.#intake.resume()
    if (fate === 'lost') return
    if (fate.status === 'queued') void this.#intake.lookIn(fate.delayMs, run.agentKey)
    if (isTerminal(fate.status) && run.conversationId !== null) await this.#giveTurn(run.conversationId)
  }

  async #giveTurn(conversationId: string): Promise<void> {
    try {
      await giveTurns(this.#ports, { conversationIds: [conversationId], ifLocked: 'wait' })
    } catch (error) {
      this.#ports.log.warn({ err: error, conversationId }, 'giving a turn failed; it is given a moment later')
    }
  }

  #abort(log: RunLog, interruption: RunInterruption): void {
    const active = this.#active.get(log.runId)
    if (active?.run.attempt === log.attempt) active.controller.abort(interruption)
  }
}
