import type { Clock } from '../ports/clock.ts'
import type { Logger } from '../ports/logger.ts'
import type { Queue } from '../ports/queue.ts'

/** A process that executes one run and then ends. It also ends soon when it finds no run. */
export interface IsolatedProcess {
  /** Resolves when it has a run, or has ended without one; false when it could not start. */
  readonly begun: Promise<boolean>
  /** Resolves when it has ended. Never rejects. */
  readonly exited: Promise<unknown>
  /** Whether it has started and given no sign of life for some seconds: its run blocks it. */
  readonly isSilent: boolean
  /** Has it hand its run back, at once or when that does not end within the drain timeout. */
  stop(options: { isHurried: boolean }): Promise<void>
}

/** What it takes to execute runs in processes of their own. */
export interface Isolation {
  start(): IsolatedProcess
  /** How many such processes run at once, without silent ones. With those, up to {@link MOST_WITH_SILENT} times as many. */
  maxProcesses: number
}

interface IsolatedRunsOptions extends Isolation {
  /** The queues that isolated runs are delivered to. */
  queues: readonly string[]
  queue: Pick<Queue, 'countDue'>
  clock: Clock
  log: Logger
  signal: AbortSignal
}

/** Between looks without a hint. They find deliveries whose worker died before it started a process. */
const LOOK_EVERY_MS = 5_000
/** The same while no more processes may start. One of them may have fallen silent, which makes room. */
const LOOK_AGAIN_EVERY_MS = 1_000
/** Bounds silent processes too: each keeps its memory and connections until its watchdog kills it. */
const MOST_WITH_SILENT = 3
/** Pause after a process that could not start. Doubled each time, up to a minute. */
const START_AGAIN_MIN_MS = 1_000
const START_AGAIN_MAX_MS = 60_000

/** Starts a process for each delivery of an isolated run, up to the limit. Silent processes do not count. */
export class IsolatedRuns {
  readonly #options: IsolatedRunsOptions
  readonly #processes = new Set<IsolatedProcess>()
  /** Processes that have not taken a run yet. Each of them will take one of the deliveries. */
  #starting = 0
  #failures = 0
  #wake = new AbortController()

  constructor(options: IsolatedRunsOptions) {
    this.#options = options
    options.signal.addEventListener('abort', () => this.look(), { once: true })
  }

  /** Looks soon: there may be a delivery. */
  look(): void {
    this.#wake.abort('woken')
  }

  /** Starts processes until the signal aborts. */
  async run(): Promise<void> {
    const { clock, log, signal } = this.#options
    let isFailing = false
    while (!signal.aborted) {
      this.#wake = new AbortController()
      try {
        await this.#startMissing()
        isFailing = false
      } catch (error) {
        // Log the first of several failures, not each.
        log[isFailing ? 'debug' : 'warn']({ err: error }, 'looking for isolated runs failed; trying again')
        isFailing = true
      }
      if (signal.aborted) return
      if (this.#failures > 0) {
        await clock.sleep(
          Math.min(START_AGAIN_MIN_MS * 2 ** (this.#failures - 1), START_AGAIN_MAX_MS),
          signal,
        )
      } else await clock.sleep(this.#capacity() > 0 ? LOOK_EVERY_MS : LOOK_AGAIN_EVERY_MS, this.#wake.signal)
    }
  }

  async stop(options: { isHurried: boolean }): Promise<void> {
    await Promise.all([...this.#processes].map((process) => process.stop(options)))
  }

  async #startMissing(): Promise<void> {
    const { queue, queues, maxProcesses, signal } = this.#options
    if (this.#capacity() <= 0) return
    const due = await queue.countDue(queues, maxProcesses)
    // Count again. If this process stood still itself, it has heard of the others by now.
    const missing = Math.min(this.#capacity(), due - this.#starting)
    for (let started = 0; started < missing && !signal.aborted; started += 1) this.#start()
  }

  /** How many more processes may start. Healthy runs must not wait until blocked processes are killed. */
  #capacity(): number {
    const { maxProcesses } = this.#options
    const silent = [...this.#processes].filter(({ isSilent }) => isSilent).length
    const answering = this.#processes.size - silent
    return Math.min(maxProcesses - answering, maxProcesses * MOST_WITH_SILENT - this.#processes.size)
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
