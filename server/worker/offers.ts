import type { Clock } from '../ports/clock.ts'
import type { OfferedRun } from '../ports/event-bus.ts'
import type { Peers } from './peers.ts'

/** A run that this worker heard of. As far as it knows, no worker has taken it. */
export interface Offer extends OfferedRun {
  agentKey: string
  /** Milliseconds since the epoch. */
  lookAt: number
  /** Another worker comes first. This one looks later, in case that worker does not. */
  isBackup: boolean
}

interface OffersPorts {
  clock: Pick<Clock, 'now'>
  /** A random number from 0 up to, not including, 1. */
  random(): number
}

/** Longer than the news of a claim takes: the hint for `run.started` follows after 20 ms at most. */
const MIN_PATIENCE_MS = 50
const MAX_PATIENCE_MS = 400
/** Bounds the runs that a worker remembers from hints. Beyond this it looks at the queue without an offer. */
const MAX_OFFERS = 10_000

/**
 * Decides when this worker looks for runs it heard of. It looks at once for runs that it comes first for, and later
 * for the others, unless a worker has taken them by then. So a run costs one look, however many workers there are.
 */
export class Offers {
  readonly #ports: OffersPorts
  readonly #peers: Peers
  readonly #offers = new Map<string, Offer>()
  #patienceMs = MIN_PATIENCE_MS

  constructor(ports: OffersPorts, peers: Peers) {
    this.#ports = ports
    this.#peers = peers
  }

  get isEmpty(): boolean {
    return this.#offers.size === 0
  }

  get isFull(): boolean {
    return this.#offers.size >= MAX_OFFERS
  }

  /** @returns in how many milliseconds it is due. */
  add(agentKey: string, { runId, seq }: OfferedRun): number {
    const rank = this.#peers.rankFor(runId)
    const delayMs = this.#delayFor(rank)
    const lookAt = this.#ports.clock.now() + delayMs
    this.#offers.set(runId, { agentKey, runId, seq, lookAt, isBackup: rank > 0 })
    return delayMs
  }

  withdraw(runId: string, seq: number): void {
    const offer = this.#offers.get(runId)
    if (offer !== undefined && seq > offer.seq) this.#offers.delete(runId)
  }

  /** When the next of them is due: milliseconds since the epoch, Infinity without any. */
  nextAt(): number {
    let next = Infinity
    for (const { lookAt } of this.#offers.values()) next = Math.min(next, lookAt)
    return next
  }

  /** Removes those that are due. */
  takeDue(): Offer[] {
    const now = this.#ports.clock.now()
    const due: Offer[] = []
    for (const offer of this.#offers.values()) {
      if (offer.lookAt > now) continue
      this.#offers.delete(offer.runId)
      due.push(offer)
    }
    return due
  }

  /** Learns from a look that `claimed` these runs: whether to wait longer for the workers that come first. */
  judge(offers: readonly Offer[], claimed: ReadonlySet<string>): void {
    for (const runId of claimed) this.#offers.delete(runId)
    const backups = offers.filter(({ isBackup }) => isBackup)
    if (backups.length === 0) return
    const taken = backups.filter(({ runId }) => claimed.has(runId))
    for (const { runId } of taken) this.#peers.passOver(runId)
    this.#patienceMs = taken.length > 0 ? MIN_PATIENCE_MS : Math.min(this.#patienceMs * 2, MAX_PATIENCE_MS)
  }

  /** The look took other runs, so these may still be in the queue. */
  putBack(offers: readonly Offer[]): void {
    const lookAt = this.#ports.clock.now() + this.#patienceMs
    for (const offer of offers) this.#offers.set(offer.runId, { ...offer, lookAt, isBackup: true })
  }

  #delayFor(rank: number): number {
    if (rank === 0) return 0
    return rank === 1 ? this.#patienceMs : this.#patienceMs * (2 + this.#ports.random())
  }
}
