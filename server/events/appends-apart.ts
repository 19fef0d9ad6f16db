import type { RunAppend } from '../ports/attempt.ts'
import type { Clock } from '../ports/clock.ts'
import type { Logger } from '../ports/logger.ts'
import { StoreFailure } from '../ports/store/store-failure.ts'
import type { RunLog } from './run-log.ts'

/** One run's share of a flush. */
export interface Share {
  log: RunLog
  append: RunAppend
}

interface ApartPorts {
  clock: Clock
  log: Logger
  /** Writes one share and settles it. Rejects when it was not written. */
  write(share: Share): Promise<void>
  /** Called for a share that nobody can write. */
  onRefused(share: Share, error: StoreFailure): void
  /** Called when the run's later events may join the flushes again. */
  onRejoined(log: RunLog): void
  signal: AbortSignal
}

/** Shares written at the same time. Each takes a connection. */
const MAX_LANES = 4
const RETRY_MIN_MS = 20
const RETRY_MAX_MS = 2_000

/**
 * Writes a failed flush again, run by run, while other flushes continue. A run that the store refuses fails alone; a
 * run whose row is locked waits alone.
 */
export class AppendsApart {
  readonly #ports: ApartPorts
  readonly #waiting: Share[] = []
  readonly #rejoining = new Map<RunLog, PromiseWithResolvers<void>>()
  readonly #underWay = new Set<Promise<void>>()
  #lanes = 0

  constructor(ports: ApartPorts) {
    this.#ports = ports
  }

  /** Resolves when the run's events join the flushes again; undefined when they are not apart. */
  rejoined(log: RunLog): Promise<void> | undefined {
    return this.#rejoining.get(log)?.promise
  }

  add(shares: readonly Share[], failure: StoreFailure): void {
    for (const { log } of shares) this.#rejoining.set(log, Promise.withResolvers())
    const [only] = shares
    // The flush held this run only, so the refusal is final.
    if (only !== undefined && shares.length === 1 && failure.kind === 'refused') {
      this.#refuse(only, failure)
      return
    }
    this.#waiting.push(...shares)
    for (let free = MAX_LANES - this.#lanes; free > 0 && this.#waiting.length > 0; free -= 1) {
      this.#track(this.#writeWaiting())
    }
  }

  /** Resolves when no write is under way, with the runs that were not written. */
  async stopped(): Promise<RunLog[]> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay)
    for (const rejoining of this.#rejoining.values()) rejoining.resolve()
    return [...this.#rejoining.keys()]
  }

  async #writeWaiting(): Promise<void> {
    this.#lanes += 1
    for (let share = this.#waiting.shift(); share !== undefined; share = this.#waiting.shift()) {
      await this.#write(share, RETRY_MIN_MS)
    }
    this.#lanes -= 1
  }

  async #write(share: Share, delayMs: number): Promise<void> {
    if (this.#ports.signal.aborted) return
    try {
      await this.#ports.write(share)
      this.#rejoin(share.log)
    } catch (error) {
      if (error instanceof StoreFailure && error.kind === 'refused') {
        this.#refuse(share, error)
        return
      }
      this.#ports.log.warn(
        { err: error, runId: share.log.runId },
        "writing a run's events failed; trying again",
      )
      this.#track(this.#writeLater(share, delayMs))
    }
  }

  async #writeLater(share: Share, delayMs: number): Promise<void> {
    await this.#ports.clock.sleep(delayMs, this.#ports.signal)
    await this.#write(share, Math.min(delayMs * 2, RETRY_MAX_MS))
  }

  #refuse(share: Share, error: StoreFailure): void {
    this.#ports.onRefused(share, error)
    this.#rejoin(share.log)
  }

  #rejoin(log: RunLog): void {
    const rejoining = this.#rejoining.get(log)
    this.#rejoining.delete(log)
    this.#ports.onRejoined(log)
    rejoining?.resolve()
  }

  #track(work: Promise<void>): void {
    const tracked = work.finally(() => this.#underWay.delete(tracked))
    this.#underWay.add(tracked)
  }
}
