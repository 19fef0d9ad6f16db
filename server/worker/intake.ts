import { createGroupCommit } from '../group-commit.ts'
import type { ClaimedRun, Clock, Delivery, Logger, Queue, Store } from '../ports.ts'

interface IntakePorts {
  store: Pick<Store, 'claimRuns'>
  queue: Pick<Queue, 'fetch' | 'giveBack' | 'complete'>
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
const MAX_COMPLETE_BATCH = 500

/**
 * What a worker has to do with the queue: fetches deliveries while there is room, has their runs
 * claimed, and forgets the deliveries: a claimed run is held by its lease. Woken by hints; the poll is for
 * those that got lost.
 */
export class Intake {
  readonly #ports: IntakePorts
  readonly #settings: IntakeSettings
  readonly #complete: (delivery: Delivery) => Promise<void>
  /** Deliveries on their way out of the queue. */
  readonly #forgetting = new Set<Promise<void>>()
  /** Agents whose queue is worth a look. */
  readonly #ready: Set<string>
  #wake = new AbortController()

  constructor(ports: IntakePorts, settings: IntakeSettings) {
    this.#ports = ports
    this.#settings = settings
    this.#ready = new Set(settings.agentKeys)
    this.#complete = createGroupCommit({
      maxBatch: MAX_COMPLETE_BATCH,
      flush: async (deliveries: readonly Delivery[]) => {
        await ports.queue.complete(deliveries)
        return deliveries.map(() => undefined)
      },
    })
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

  async #forget(delivery: Delivery): Promise<void> {
    const forgotten = this.#complete(delivery).catch((error: unknown) => {
      const fields = { err: error, runId: delivery.runId }
      this.#ports.log.warn(fields, 'a delivery stays in the queue until it expires')
    })
    this.#forgetting.add(forgotten)
    await forgotten
    this.#forgetting.delete(forgotten)
  }

  /** Resolves when no delivery is on its way out any more. */
  async settled(): Promise<void> {
    await Promise.all(this.#forgetting)
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
    const { room, signal } = this.#settings
    for (const agentKey of this.#ready) {
      const limit = room()
      if (limit <= 0 || signal.aborted) return
      this.#ready.delete(agentKey)
      const { deliveries, mayHaveMore } = await this.#ports.queue.fetch(agentKey, limit)
      if (mayHaveMore) this.#ready.add(agentKey)
      if (deliveries.length > 0) await this.#claim(deliveries)
    }
  }

  async #claim(deliveries: readonly Delivery[]): Promise<void> {
    const runIds = new Set(deliveries.map((delivery) => delivery.runId))
    const claimed = await this.#claimOrGiveBack([...runIds], deliveries)
    for (const run of claimed) {
      runIds.delete(run.id)
      this.#settings.onClaimed(run)
    }
    if (runIds.size > 0) this.#ports.log.debug({ runIds: [...runIds] }, 'deliveries without a run to claim')
    // Also those of runs that were not there to be claimed: they are over, in other hands, or have another
    // delivery for when they are due.
    for (const delivery of deliveries) void this.#forget(delivery)
  }

  async #claimOrGiveBack(
    runIds: readonly string[],
    deliveries: readonly Delivery[],
  ): ReturnType<Store['claimRuns']> {
    try {
      return await this.#ports.store.claimRuns(runIds, this.#settings.lease)
    } catch (error) {
      // Otherwise they would come again only when they have expired.
      await this.#ports.queue.giveBack(deliveries)
      throw error
    }
  }
}
