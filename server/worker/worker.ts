import { randomUUID } from 'node:crypto'
import type { AnyAgent } from '../agent/define-agent.ts'
import { isTerminal } from '../contract/terminal.ts'
import { giveTurns, hintsOf } from '../domain/turns.ts'
import { unlessAway } from '../domain/unless-away.ts'
import type { RunLog } from '../events/run-log.ts'
import { EventWriter, HEARTBEAT } from '../events/writer.ts'
import type { ClaimedRun, RefusedRun } from '../ports/attempt.ts'
import type { EventBus } from '../ports/event-bus.ts'
import type { Announcement, Presence } from '../ports/presence.ts'
import type { Queue } from '../ports/queue.ts'
import { isolatedQueue } from '../ports/queue.ts'
import type { Store } from '../ports/store.ts'
import { executeAttempt } from './execute-attempt.ts'
import type { ExecutePorts } from './execute-attempt.ts'
import { Intake } from './intake.ts'
import { RunInterruption } from './interruption.ts'
import { IsolatedRuns } from './isolated-runs.ts'
import type { Isolation } from './isolated-runs.ts'
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
  /** Starts processes for runs that need one of their own. Without it all runs are executed in this one. */
  isolation?: Isolation | undefined
  /** Set in such a process: it executes one isolated run, and no other. */
  isolated?: IsolatedRun | undefined
}

/** What a process that executes one run tells of it. */
export interface IsolatedRun {
  /** It has taken a run. */
  onBegun(): void
  /** The run's attempt is over, or there was none to take for a while. */
  onOver(): void
}

interface StopOptions {
  /** Milliseconds. Default: 30,000. */
  drainTimeoutMs?: number
  /** Default: false. */
  hasCrashed?: boolean
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
/** So long a process that was started for an isolated run waits for one: another may have taken it. */
const ISOLATED_WAIT_MS = 10_000

/** Executes runs, as many at once as its concurrency allows, and holds them by leases meanwhile. */
export class Worker {
  readonly id: string = randomUUID()
  readonly #ports: WorkerPorts
  readonly #settings: WorkerSettings
  readonly #writer: EventWriter
  readonly #peers: Peers
  readonly #intake: Intake
  readonly #isolatedRuns: IsolatedRuns | undefined
  #hasTakenIsolated = false
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
  #isolating: Promise<void> | undefined
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
    const { agents, isolation, isolated, leaseTtlMs } = settings
    const { signal } = this.#stopping
    const room = () => this.#room()
    const known = [...agents.keys()]
    const queues = known.map(isolatedQueue)
    const agentKeys = isolated ? queues : isolation ? known : [...known, ...queues]
    this.#isolatedRuns = isolation && new IsolatedRuns({ ...ports, ...isolation, queues, signal })
    this.#peers = new Peers(ports, { workerId: this.id, agentKeys, hasRoom: () => room() > 0, signal })
    this.#intake = new Intake(ports, {
      agentKeys,
      peers: this.#peers,
      pollIntervalMs: settings.pollIntervalMs,
      lease: {
        workerId: this.id,
        ttlMs: leaseTtlMs,
        isolatedAgents: isolation ? known.filter((key) => agents.get(key)?.isolation === 'process') : null,
      },
      room,
      onClaimed: (run) => this.#execute(run),
      onRefused: (runs) => this.#tellRefused(runs),
      onIsolated: () => this.#isolatedRuns?.look(),
      signal,
    })
  }

  #room(): number {
    // A worker that can't show its presence must not take runs: others would take them from it.
    if (this.#presence?.isShown() !== true) return 0
    const { isolated, concurrency } = this.#settings
    if (isolated !== undefined) return this.#hasTakenIsolated ? 0 : 1
    return concurrency - this.#active.size
  }

  /** Whether it takes runs, as far as there is room for them. */
  get isTaking(): boolean {
    return !this.#stopping.signal.aborted && this.#presence?.isShown() === true
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
    this.#isolating = this.#isolatedRuns?.run()
    if (this.#settings.isolated !== undefined) void this.#endUnlessTaken(this.#settings.isolated)
    this.#leasing = keepLeases(this.#ports, { ...this.#leases, signal: this.#drained.signal })
  }

  /**
   * Stops taking runs and waits for those under way. What is left after `drainTimeoutMs` is handed back
   * without spending an attempt; what does not let go within the grace period is left to be recovered.
   *
   * With `hasCrashed`, something that no run can be blamed for broke the process: what is handed back counts a
   * loss, and a run that was alone in the process a failure.
   */
  stop({ drainTimeoutMs = 30_000, hasCrashed = false }: StopOptions = {}): Promise<void> {
    return (this.#stopped ??= this.#stop({ drainTimeoutMs, hasCrashed }))
  }

  async #stop({ drainTimeoutMs, hasCrashed }: Required<StopOptions>): Promise<void> {
    this.#stopping.abort()
    // One that fails has told whoever asked for it.
    await this.#starting.catch(() => {})
    const isolatedEnd = this.#isolatedRuns?.stop({ isHurried: drainTimeoutMs === 0 })
    // To a database that is away nothing can be handed back: its runs are taken over when it is there again.
    const isThere = await unlessAway(this.#ports, this.#drain({ drainTimeoutMs, hasCrashed }))
    this.#drained.abort()
    this.#unsubscribe()
    for (const { controller } of this.#active.values()) controller.abort(new RunInterruption('lost'))
    const ended = Promise.all([this.#end(), isolatedEnd])
    if (isThere) await unlessAway(this.#ports, ended)
    else ended.catch((error: unknown) => this.#ports.log.debug({ err: error }, 'stopping without a database'))
  }

  async #drain({ drainTimeoutMs, hasCrashed }: Required<StopOptions>): Promise<void> {
    await this.#endWithin(drainTimeoutMs)
    const kind = !hasCrashed ? 'drained' : this.#active.size === 1 ? 'crashed_alone' : 'crashed'
    for (const { controller } of this.#active.values()) controller.abort(new RunInterruption(kind))
    await this.#endWithin(this.#ports.cancelGraceMs + HAND_BACK_MS)
  }

  async #end(): Promise<void> {
    await this.#writer.stop()
    await Promise.all([this.#claiming, this.#leasing, this.#asking, this.#isolating])
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

  /** The turn of the next in their conversations is given by upkeep: it is too rare to hurry. */
  #tellRefused(runs: readonly RefusedRun[]): void {
    const { bus, log } = this.#ports
    for (const { id: runId, agentKey, cause } of runs) {
      log.error({ err: cause, runId, agentKey }, 'the database refused to start a run')
    }
    bus.publish(hintsOf(runs))
  }

  #execute(run: ClaimedRun): void {
    const agent = this.#settings.agents.get(run.agentKey)
    if (agent === undefined) return
    const { isolated } = this.#settings
    if (isolated !== undefined) {
      this.#hasTakenIsolated = true
      isolated.onBegun()
    }
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

  async #endUnlessTaken({ onOver }: IsolatedRun): Promise<void> {
    await this.#ports.clock.sleep(ISOLATED_WAIT_MS, this.#stopping.signal)
    if (!this.#hasTakenIsolated) onOver()
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
    this.#settings.isolated?.onOver()
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
