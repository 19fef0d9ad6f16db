import type { Clock } from '../ports/clock.ts'
import type { Logger } from '../ports/logger.ts'
import type { Queue } from '../ports/queue.ts'

/** A process that executes one run and ends, or ends soon when it finds none to execute. */
export interface IsolatedProcess {
  /** Resolves when it has a run, or has ended without one; false when it could not start. */
  readonly begun: Promise<boolean>
  /** Resolves when it has ended. Never rejects. */
  readonly exited: Promise<unknown>
  /** Has it hand its run back, at once or when that does not end within the drain timeout. */
  stop(options: { isHurried: boolean }): Promise<void>
}

/** What it takes to execute runs in processes of their own. */
export interface Isolation {
  start(): IsolatedProcess
  /** Such processes at once. */
  maxProcesses: number
}

interface IsolatedRunsOptions extends Isolation {
  /** Of the queues isolated runs are delivered to. */
  queues: readonly string[]
  queue: Pick<Queue, 'countDue'>
  clock: Clock
  log: Logger
  signal: AbortSignal
}

/** Between looks that nobody asked for: deliveries whose worker died before it started a process for them. */
const LOOK_EVERY_MS = 5_000
/** After a process that could not start, doubled each time up to a minute. */
const START_AGAIN_MIN_MS = 1_000
const START_AGAIN_MAX_MS = 60_000

/** Starts a process for each delivery of an isolated run, as many at once as there may be. */
export class IsolatedRuns {
  readonly #options: IsolatedRunsOptions
  readonly #processes = new Set<IsolatedProcess>()
  /** Of those, the ones that have not taken a run yet: so many deliveries are spoken for. */
  #starting = 0
  #failures = 0
  #wake = new AbortController()

  constructor(options: IsolatedRunsOptions) {
    this.#options = options
    options.signal.addEventListener('abort', () => this.look(), { once: true })
  }

  /** There may be something to do. */
  look(): void {
    this.#wake.abort('woken')
  }

  /** Starts processes until the signal aborts. */
  async run(): Promise<void> {
    const { clock, log, signal } = this.#options
    while (!signal.aborted) {
      this.#wake = new AbortController()
      try {
        await this.#startMissing()
      } catch (error) {
        log.warn({ err: error }, 'looking for isolated runs failed; trying again')
      }
      if (signal.aborted) return
      if (this.#failures > 0) {
        await clock.sleep(
          Math.min(START_AGAIN_MIN_MS * 2 ** (this.#failures - 1), START_AGAIN_MAX_MS),
          signal,
        )
      } else await clock.sleep(LOOK_EVERY_MS, this.#wake.signal)
    }
  }

  async stop(options: { isHurried: boolean }): Promise<void> {
    await Promise.all([...this.#processes].map((process) => process.stop(options)))
  }

  async #startMissing(): Promise<void> {
    const { queue, queues, maxProcesses, signal } = this.#options
    const room = maxProcesses - this.#processes.size
    if (room <= 0) return
    const missing = Math.min(room, (await queue.countDue(queues, maxProcesses)) - this.#starting)
    for (let started = 0; started < missing && !signal.aborted; started += 1) this.#start()
  }

  #start(): void {
    const process = this.#options.start()
    this.#processes.add(process)
    this.#starting += 1
    void process.begun.then((hasBegun) => {
      this.#starting -= 1
      this.#failures = hasBegun ? 0 : this.#failures + 1
    })
    void process.exited.then(() => {
      this.#processes.delete(process)
      this.look()
    })
  }
}
