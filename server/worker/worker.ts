import { randomUUID } from 'node:crypto'
import type { AnyAgent } from '../agent/agent.ts'
import { workerStarts } from '../agent/worker-resources.ts'
import { hintsOf } from '../domain/hints.ts'
import { unlessAway } from '../domain/unless-away.ts'
import type { RefusedRun } from '../ports/attempt.ts'
import type { Announcement, Presence } from '../ports/presence.ts'
import { isolatedQueue } from '../ports/queue.ts'
import type { Queue } from '../ports/queue.ts'
import type { Store } from '../ports/store/store.ts'
import { ActiveRuns } from './active-runs.ts'
import type { ActiveRunsPorts } from './active-runs.ts'
import { Intake } from './intake.ts'
import { IsolatedRuns } from './isolated-runs.ts'
import type { Isolation } from './isolated-runs.ts'
import { Peers } from './peers.ts'

export interface WorkerPorts extends ActiveRunsPorts {
  store: ActiveRunsPorts['store'] & Pick<Store, 'check'>
  queue: Queue
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

export interface StopOptions {
  /** Milliseconds that runs under way have. Default: 30,000. */
  drainTimeoutMs?: number
  /** One of its runs is about to end the process. Default: false. */
  hasCrashed?: boolean
}

/** Time after the grace period to write that runs are handed back. */
const HAND_BACK_MS = 2_000
/** How long a process that was started for an isolated run waits for it. Another process may have taken that run. */
const ISOLATED_WAIT_MS = 10_000

/** Executes runs, as many at once as its concurrency allows, and holds them by leases meanwhile. */
export class Worker {
  readonly id: string = randomUUID()
  readonly #ports: WorkerPorts
  readonly #settings: WorkerSettings
  readonly #runs: ActiveRuns
  readonly #peers: Peers
  readonly #intake: Intake
  readonly #isolatedRuns: IsolatedRuns | undefined
  #hasTakenIsolated = false
  readonly #stopping = new AbortController()
  /** Aborts after `#stopping`, when no run is under way any more. Leases are renewed until then. */
  readonly #drained = new AbortController()
  #starting: Promise<void> = Promise.resolve()
  #claiming: Promise<unknown> = Promise.resolve()
  #leasing: Promise<void> = Promise.resolve()
  #isolating: Promise<void> | undefined
  #stopped: Promise<void> | undefined
  #unsubscribe: () => void = () => {}
  readonly #closeResources: () => Promise<void>
  #presence: Announcement | undefined

  constructor(ports: WorkerPorts, settings: WorkerSettings) {
    this.#ports = ports
    this.#settings = settings
    this.#runs = new ActiveRuns(ports, {
      ...settings,
      onBegun: () => this.#onBegun(),
      onOver: () => {
        this.#intake.resume()
        settings.isolated?.onOver()
      },
      onQueued: (delayMs, agentKey) => void this.#intake.lookIn(delayMs, agentKey),
    })
    const { agents, isolation, isolated, leaseTtlMs } = settings
    const executed = [...agents.values()].filter(
      (agent) => isolation === undefined || agent.isolation !== 'process',
    )
    this.#closeResources = workerStarts(executed)
    const { signal } = this.#stopping
    const capacity = () => this.#capacity()
    const known = [...agents.keys()]
    const queues = known.map(isolatedQueue)
    const agentKeys = isolated ? queues : isolation ? known : [...known, ...queues]
    this.#isolatedRuns = isolation && new IsolatedRuns({ ...ports, ...isolation, queues, signal })
    this.#peers = new Peers(ports, {
      workerId: this.id,
      agentKeys,
      hasCapacity: () => capacity() > 0,
      signal,
    })
    this.#intake = new Intake(ports, {
      agentKeys,
      peers: this.#peers,
      pollIntervalMs: settings.pollIntervalMs,
      lease: {
        workerId: this.id,
        ttlMs: leaseTtlMs,
        versions: versionsOf(agents),
        isolatedAgents: isolation ? known.filter((key) => agents.get(key)?.isolation === 'process') : null,
      },
      capacity,
      onClaimed: (run) => this.#runs.execute(run),
      onRefused: (runs) => this.#tellRefused(runs),
      onIsolated: () => this.#isolatedRuns?.look(),
      signal,
    })
  }

  /** How many more runs it may take now. */
  #capacity(): number {
    // Other workers take runs from a worker whose presence they can't see.
    if (this.#presence?.isShown() !== true) return 0
    const { isolated, concurrency } = this.#settings
    if (isolated !== undefined) return this.#hasTakenIsolated ? 0 : 1
    return concurrency - this.#runs.size
  }

  /** Whether it takes runs when it has capacity. */
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
          case 'deleted':
            return this.#runs.askAfter(hint.runId)
          case 'conversation':
            // For those who follow it.
            return undefined
        }
      },
      onResync: () => {
        this.#peers.forgetAll()
        this.#intake.look()
        void this.#runs.renewLeases()
      },
    })
    this.#claiming = Promise.all([this.#intake.run(), this.#peers.keepTelling()])
    this.#isolating = this.#isolatedRuns?.run()
    if (this.#settings.isolated !== undefined) void this.#endUnlessTaken(this.#settings.isolated)
    this.#leasing = this.#runs.keepLeases(this.#drained.signal)
  }

  /**
   * Stops taking runs and waits for those under way. What is left after `drainTimeoutMs` is handed back
   * without spending an attempt; what does not let go within the grace period is left to be recovered.
   *
   * `hasCrashed` says that an error broke the process and no run can be blamed for it. Each run that is handed back
   * then counts a loss, or a failure if it was alone in the process.
   */
  stop({ drainTimeoutMs = 30_000, hasCrashed = false }: StopOptions = {}): Promise<void> {
    return (this.#stopped ??= this.#stop({ drainTimeoutMs, hasCrashed }))
  }

  async #stop({ drainTimeoutMs, hasCrashed }: Required<StopOptions>): Promise<void> {
    this.#stopping.abort()
    // Whoever called `start` gets its error.
    await this.#starting.catch(() => {})
    const isolatedEnd = this.#isolatedRuns?.stop({ isHurried: drainTimeoutMs === 0 })
    // While the database is away, runs can't be handed back. Other workers take them over when it is back.
    const isThere = await unlessAway(this.#ports, this.#drain({ drainTimeoutMs, hasCrashed }))
    this.#drained.abort()
    this.#unsubscribe()
    this.#runs.interruptAll('lost')
    const ended = Promise.all([this.#end(), isolatedEnd, this.#closeResources()])
    if (isThere) await unlessAway(this.#ports, ended)
    else ended.catch((error: unknown) => this.#ports.log.debug({ err: error }, 'stopping without a database'))
  }

  async #drain({ drainTimeoutMs, hasCrashed }: Required<StopOptions>): Promise<void> {
    await this.#endWithin(drainTimeoutMs)
    const kind = !hasCrashed ? 'drained' : this.#runs.size === 1 ? 'crashed_alone' : 'crashed'
    this.#runs.interruptAll(kind)
    await this.#endWithin(this.#ports.cancelGraceMs + HAND_BACK_MS)
  }

  async #end(): Promise<void> {
    await this.#runs.end()
    await Promise.all([this.#claiming, this.#leasing, this.#isolating])
    await this.#presence?.end()
  }

  async #endWithin(ms: number): Promise<void> {
    // A claim under way may still bring runs.
    const ended = this.#claiming.then(() => this.#runs.over())
    const timeUp = new AbortController()
    await Promise.race([ended, this.#ports.clock.sleep(ms, timeUp.signal)])
    timeUp.abort()
  }

  /** Upkeep gives the next runs of their conversations their turn. This is too rare to do it here. */
  #tellRefused(runs: readonly RefusedRun[]): void {
    const { bus, log } = this.#ports
    for (const { id: runId, agentKey, cause } of runs) {
      log.error({ err: cause, runId, agentKey }, 'the database refused to start a run')
    }
    bus.publish(hintsOf(runs))
  }

  #onBegun(): void {
    const { isolated } = this.#settings
    if (isolated === undefined) return
    this.#hasTakenIsolated = true
    isolated.onBegun()
  }

  async #endUnlessTaken({ onOver }: IsolatedRun): Promise<void> {
    await this.#ports.clock.sleep(ISOLATED_WAIT_MS, this.#stopping.signal)
    if (!this.#hasTakenIsolated) onOver()
  }
}

function versionsOf(agents: ReadonlyMap<string, AnyAgent>): Record<string, string> {
  const versions = [...agents].flatMap(([key, { version }]) =>
    version === undefined ? [] : [[key, version]],
  )
  return Object.fromEntries(versions) as Record<string, string>
}
