import type { ClaimedRun } from '../ports/attempt.ts'
import type { Clock } from '../ports/clock.ts'
import type { Logger } from '../ports/logger.ts'
import type { Queue } from '../ports/queue.ts'
import type { Store } from '../ports/store.ts'

interface IntakePorts {
  store: Pick<Store, 'claimRuns'>
  queue: Pick<Queue, 'take'>
  clock: Clock
  log: Logger
}

interface IntakeSettings {
  agentKeys: readonly string[]
  pollIntervalMs: number
  lease: { workerId: string; ttlMs: number }
  /** How many runs more may be taken now. */
  room(): number
  onClaimed(run: ClaimedRun): void
  /** Ends it after what is being taken at that moment. */
  signal: AbortSignal
}

/** A reason of its own: without one, each abort makes an error with a stack. */
const WOKEN = 'woken'

/**
 * What a worker has to do with the queue: takes runs while there is room. Woken by hints; the poll is for
 * those that got lost.
 */
export class Intake {
  readonly #ports: IntakePorts
  readonly #settings: IntakeSettings
  /** Agents whose queue is worth a look. */
  readonly #ready: Set<string>
  #wake = new AbortController()

  constructor(ports: IntakePorts, settings: IntakeSettings) {
    this.#ports = ports
    this.#settings = settings
    this.#ready = new Set(settings.agentKeys)
    settings.signal.addEventListener('abort', () => this.#wake.abort(WOKEN), { once: true })
  }

  /** Looks at one agent's queue, or at all. Agents that are not this worker's are ignored. */
  look(agentKey?: string): void {
    const { agentKeys } = this.#settings
    const keys = agentKey === undefined ? agentKeys : agentKeys.filter((key) => key === agentKey)
    for (const key of keys) this.#ready.add(key)
    if (keys.length > 0) this.#wake.abort(WOKEN)
  }

  /** For the next attempt of a run no hint comes when it is due, and the poll may be slow. */
  async lookIn(delayMs: number, agentKey: string): Promise<void> {
    await this.#ports.clock.sleep(delayMs, this.#settings.signal)
    this.look(agentKey)
  }

  /** There may be room again: goes on with what was left for want of it. */
  resume(): void {
    if (this.#ready.size > 0) this.#wake.abort(WOKEN)
  }

  /** Takes runs until the signal aborts. */
  async run(): Promise<void> {
    const { signal, pollIntervalMs, room } = this.#settings
    while (!signal.aborted) {
      this.#wake = new AbortController()
      try {
        await this.#takeReady()
      } catch (error) {
        this.#ports.log.warn({ err: error }, 'taking runs from the queue failed; trying again')
      }
      if (signal.aborted) return
      // Without room there is nothing to look for until a run ends, which wakes this loop.
      if (this.#ready.size > 0 && room() > 0 && this.#wake.signal.aborted) continue
      await this.#ports.clock.sleep(pollIntervalMs, this.#wake.signal)
      if (!this.#wake.signal.aborted) this.look()
    }
  }

  async #takeReady(): Promise<void> {
    const { room, signal, lease, onClaimed } = this.#settings
    const { store, queue, log } = this.#ports
    for (const agentKey of this.#ready) {
      const limit = room()
      if (limit <= 0 || signal.aborted) return
      this.#ready.delete(agentKey)
      const { claimed, unclaimed, mayHaveMore } = await store.claimRuns(lease, (tx) =>
        queue.take(agentKey, limit, tx),
      )
      if (mayHaveMore) this.#ready.add(agentKey)
      for (const run of claimed) onClaimed(run)
      // Over, in other hands, or with another delivery for when they are due.
      if (unclaimed.length > 0) log.debug({ runIds: unclaimed }, 'deliveries without a run to claim')
    }
  }
}
