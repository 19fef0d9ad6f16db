import type { ClaimedRun, RefusedRun } from '../ports/attempt.ts'
import type { Clock } from '../ports/clock.ts'
import type { Hint } from '../ports/event-bus.ts'
import type { Logger } from '../ports/logger.ts'
import type { Queue } from '../ports/queue.ts'
import type { AttemptStore, Lease } from '../ports/store/attempt-store.ts'
import { Offers } from './offers.ts'
import type { Offer } from './offers.ts'
import type { Peers } from './peers.ts'

interface IntakePorts {
  store: Pick<AttemptStore, 'claimRuns'>
  queue: Pick<Queue, 'findDue'>
  clock: Clock
  log: Logger
  /** A random number from 0 up to, not including, 1. */
  random(): number
}

interface IntakeSettings {
  agentKeys: readonly string[]
  peers: Peers
  pollIntervalMs: number
  lease: Lease
  /** How many runs more may be taken now. */
  capacity(): number
  onClaimed(run: ClaimedRun): void
  /** Runs could not be claimed, and failed. */
  onRefused(runs: readonly RefusedRun[]): void
  /** Runs were delivered to processes of their own. */
  onIsolated(): void
  /** Ends the loop, after a claim that is under way. */
  signal: AbortSignal
}

/** Why a queue is worth a look. */
interface Reason {
  /** Runs that are offered there. */
  offers: readonly Offer[]
  /** How many runs to take. Infinity takes all that are due. */
  wanted: number
}

const WHATEVER_IS_THERE: Reason = { offers: [], wanted: Infinity }

/** An abort without a reason makes an error with a stack each time. */
const WOKEN = 'woken'
/** How many looks in a row may find nothing because other workers were quicker. */
const MAX_IDLE_LOOKS = 10
const MAX_PAUSE_MS = 100
/** Pause after a failure, even where polls are further apart. */
const TRY_AGAIN_MS = 1_000

/**
 * Takes runs from the queue while the worker has capacity. Hints wake it. The poll finds runs whose hint was lost,
 * and runs that have just become due, for which there is no hint.
 */
export class Intake {
  readonly #ports: IntakePorts
  readonly #settings: IntakeSettings
  readonly #agentKeys: ReadonlySet<string>
  readonly #offers: Offers
  /** Queues that are worth a look, by agent. */
  readonly #ready = new Map<string, Reason>()
  #pollAt = 0
  /** Until when it sleeps. A run that is due earlier must wake it. */
  #sleepsUntil = 0
  #idleLooks = 0
  #isFailing = false
  #wake = new AbortController()

  constructor(ports: IntakePorts, settings: IntakeSettings) {
    this.#ports = ports
    this.#settings = settings
    this.#agentKeys = new Set(settings.agentKeys)
    this.#offers = new Offers(ports, settings.peers)
    settings.signal.addEventListener('abort', () => this.#wake.abort(WOKEN), { once: true })
  }

  /** Looks at one agent's queue, or asks about all. Agents that are not this worker's are ignored. */
  look(agentKey?: string): void {
    if (agentKey === undefined) this.#pollAt = 0
    else if (this.#agentKeys.has(agentKey)) this.#addReason(agentKey, WHATEVER_IS_THERE)
    else return
    this.#wake.abort(WOKEN)
  }

  /** Runs are to be taken, by whichever worker comes first for each. */
  offer({ agentKey, runs }: Extract<Hint, { kind: 'queued' }>): void {
    if (runs === undefined || this.#offers.isFull) return this.look(agentKey)
    if (!this.#agentKeys.has(agentKey)) return
    const dueInMs = Math.min(...runs.map((run) => this.#offers.add(agentKey, run)))
    const isEarlier = dueInMs === 0 || this.#ports.clock.now() + dueInMs < this.#sleepsUntil
    if (isEarlier && this.#settings.capacity() > 0) this.#wake.abort(WOKEN)
  }

  /** The run has a newer event, so some worker has taken it. An older offer of it is void. */
  withdraw(runId: string, seq: number): void {
    this.#offers.withdraw(runId, seq)
  }

  /** Looks again when the next attempt of a run is due. No hint comes then, and the poll may be slow. */
  async lookIn(delayMs: number, agentKey: string): Promise<void> {
    await this.#ports.clock.sleep(delayMs, this.#settings.signal)
    this.look(agentKey)
  }

  /** The worker may have capacity again. Goes on with runs that it had to leave. */
  resume(): void {
    if (this.#ready.size > 0 || !this.#offers.isEmpty || this.#isPollDue()) this.#wake.abort(WOKEN)
  }

  /** Takes runs until the signal aborts. */
  async run(): Promise<void> {
    const { signal, capacity } = this.#settings
    const { clock, log } = this.#ports
    while (!signal.aborted) {
      this.#wake = new AbortController()
      try {
        if (capacity() > 0) await this.#takeWhatIsThere()
        if (this.#ready.size > 0 && capacity() > 0) continue
      } catch (error) {
        // Log the first of several failures, not each.
        const level = this.#isFailing ? 'debug' : 'warn'
        log[level]({ err: error }, 'taking runs from the queue failed; trying again')
        this.#isFailing = true
        this.#pollAt = Math.min(this.#pollAt, clock.now() + TRY_AGAIN_MS)
      }
      if (signal.aborted) return
      // Without capacity there is nothing to look for until a run ends, which wakes this loop.
      this.#sleepsUntil = capacity() > 0 ? Math.min(this.#pollAt, this.#offers.nextAt()) : Infinity
      const waitMs = Math.min(this.#sleepsUntil - clock.now(), this.#settings.pollIntervalMs)
      await clock.sleep(Math.max(waitMs, 0), this.#wake.signal)
      this.#sleepsUntil = 0
    }
  }

  async #takeWhatIsThere(): Promise<void> {
    const { clock, queue } = this.#ports
    const { agentKeys, pollIntervalMs, capacity, signal } = this.#settings
    if (this.#isPollDue()) {
      this.#pollAt = clock.now() + pollIntervalMs
      const due = await queue.findDue(agentKeys)
      // The database answered. A pass that asks nothing would not show that.
      this.#isFailing = false
      for (const agentKey of due) this.#addReason(agentKey, WHATEVER_IS_THERE)
    }
    for (const [agentKey, offers] of Map.groupBy(this.#offers.takeDue(), (offer) => offer.agentKey)) {
      this.#addReason(agentKey, { offers, wanted: this.#settings.peers.isAlone ? Infinity : offers.length })
    }
    // Runs that become due meanwhile wait for the next pass. Else a busy queue would put off the poll for ever.
    for (const [agentKey, reason] of [...this.#ready]) {
      if (capacity() <= 0 || signal.aborted) return
      this.#ready.delete(agentKey)
      await this.#take(agentKey, reason)
    }
  }

  async #take(agentKey: string, { offers, wanted }: Reason): Promise<void> {
    const { store, log } = this.#ports
    const { lease, onClaimed, onRefused, onIsolated, capacity } = this.#settings
    const limit = Math.min(wanted, capacity())
    const { claimed, unclaimed, refused, isolated, mayHaveMore } = await store.claimRuns(lease, {
      agentKey,
      limit,
    })
    if (isolated > 0) onIsolated()
    if (refused.length > 0) onRefused(refused)
    this.#offers.judge(offers, new Set(claimed.map(({ id }) => id)))
    const taken = claimed.length + unclaimed.length + refused.length
    if (mayHaveMore) {
      const isOffered = new Set(offers.map(({ runId }) => runId))
      const ids = new Set([...unclaimed, ...[...claimed, ...refused].map(({ id }) => id)])
      const missing = offers.filter(({ runId }) => !ids.has(runId))
      // A run that was cancelled or deleted leaves its delivery in front of the runs that were offered.
      const inTheWay = unclaimed.filter((id) => !isOffered.has(id)).length
      const left = wanted - taken + inTheWay
      if (left > 0) this.#addReason(agentKey, { offers: missing, wanted: left })
      else this.#offers.putBack(missing)
    }
    for (const run of claimed) onClaimed(run)
    // These runs are over, taken by another worker, or delivered again for later.
    if (unclaimed.length > 0) log.debug({ runIds: unclaimed }, 'deliveries without a run to claim')
    await this.#pauseAfter(taken)
  }

  /** Slows down when hints lead to no run, so that false hints can't keep this worker and the database busy. */
  async #pauseAfter(taken: number): Promise<void> {
    this.#idleLooks = taken > 0 ? 0 : this.#idleLooks + 1
    const tooMany = this.#idleLooks - MAX_IDLE_LOOKS
    if (tooMany <= 0) return
    const pauseMs = Math.min(2 ** Math.min(tooMany, 10), MAX_PAUSE_MS)
    await this.#ports.clock.sleep(pauseMs, this.#settings.signal)
  }

  #addReason(agentKey: string, { offers, wanted }: Reason): void {
    const before = this.#ready.get(agentKey)
    this.#ready.set(agentKey, {
      offers: before === undefined ? offers : [...before.offers, ...offers],
      wanted: wanted + (before?.wanted ?? 0),
    })
  }

  #isPollDue(): boolean {
    return this.#pollAt <= this.#ports.clock.now()
  }
}
