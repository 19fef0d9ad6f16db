// For development, the runtime runs in a child process, and a change of its code replaces that process. ES
// modules cannot be unloaded, so only a new process has all of the new code and nothing of the old.
import { setTimeout as sleep } from 'node:timers/promises'
import type { ChildTask, ReadyRuntime } from '../../child/messages.ts'
import { RuntimeChild } from '../../child/runtime-child.ts'
import { reportError } from '../../cli-error.ts'
import type { Lifecycle } from '../../lifecycle.ts'
import { displayPath } from '../../load-entry.ts'
import { RestartDelay } from '../../restart-delay.ts'
import { FileWatch } from './file-watch.ts'
import type { Change } from './file-watch.ts'

/** Bounded, because each draining process holds some of the database's few connections. */
const DRAINING_MAX = 3
/** A starting process that is no longer needed is killed after this time. */
const ABANDON_MS = 2_000

interface Serving extends ReadyRuntime {
  child: RuntimeChild
}

interface ReloadingOptions {
  task: ChildTask
  lifecycle: Lifecycle
  log(message: string): void
  /** Resolves when no request to the process at `url` waits for its answer any more. */
  settled?(url: string): Promise<void>
}

export class ReloadingRuntime {
  readonly #options: ReloadingOptions
  readonly #watch = new FileWatch((change) => this.#onChange(change))
  readonly #children = new Set<RuntimeChild>()
  readonly #draining = new Set<RuntimeChild>()
  /** Processes that were given up before they were ready, and have not ended yet. */
  readonly #abandoned = new Set<RuntimeChild>()
  readonly #restartDelay = new RestartDelay()
  readonly #stopping: Promise<void>
  #serving: Serving | undefined
  #pending: Change | undefined
  #wake = Promise.withResolvers<void>()
  #lastError = ''

  constructor(options: ReloadingOptions) {
    this.#options = options
    const { signal } = options.lifecycle
    this.#stopping = new Promise((resolve) => signal.addEventListener('abort', () => resolve()))
  }

  /** The runtime that answers requests now, if any. */
  get current(): ReadyRuntime | undefined {
    return this.#serving
  }

  /** All current processes, also draining ones. */
  get children(): Iterable<RuntimeChild> {
    return this.#children
  }

  /** Whether the current process would take a run. */
  get isTaking(): boolean {
    return this.#serving?.child.isTaking ?? false
  }

  /**
   * Resolves when the runtime runs, and keeps it running until the end of the command. Rejects if it cannot
   * start.
   */
  async start(): Promise<ReadyRuntime> {
    const { lifecycle } = this.#options
    lifecycle.defer(async () => {
      this.#watch.close()
      const { isHurried } = lifecycle
      await Promise.all([...this.#children].map((child) => child.stop({ isHurried })))
    })
    lifecycle.deferUrgent(() => Promise.all([...this.#children].map((child) => child.kill())))
    const { child } = this.#fork()
    const ready = await child.ready
    lifecycle.signal.throwIfAborted()
    this.#serving = { ...ready, child }
    void this.#keepRunning().catch((error: unknown) => lifecycle.fail(error))
    return ready
  }

  async #keepRunning(): Promise<void> {
    const { signal } = this.#options.lifecycle
    while (!signal.aborted) {
      await this.#somethingToDo()
      if (signal.aborted) return
      const change = this.#takeChange()
      while (this.#draining.size >= DRAINING_MAX) {
        await Promise.race([...this.#draining].map((child) => child.exited))
      }
      if (signal.aborted) return
      await this.#replace(change)
    }
  }

  /** Waits for a change, or for the death of the process and the restart delay. */
  async #somethingToDo(): Promise<void> {
    const interrupted = Promise.race([this.#wake.promise, this.#stopping])
    if (this.#serving !== undefined) {
      const { child } = this.#serving
      const how = await Promise.race([child.exited, interrupted])
      if (how === undefined) return
      this.#serving = undefined
      this.#options.log(`The process of the runtime ended with ${how}; it is started again`)
      await Promise.race([sleep(this.#restartDelay.after(performance.now() - child.startedAt)), interrupted])
      return
    }
    // The one before could not start.
    await Promise.race([sleep(this.#restartDelay.after(0)), interrupted])
  }

  async #replace(change: Change | undefined): Promise<void> {
    const { lifecycle, log } = this.#options
    const startedAt = performance.now()
    const { child, imported } = this.#fork()
    try {
      // The code changed again before the process was ready, so the process is outdated.
      const ready = await Promise.race([child.ready, this.#wake.promise, this.#stopping])
      if (ready === undefined) {
        if (change !== undefined) this.#onChange(change)
        return void this.#abandon(child)
      }
      const old = this.#serving
      this.#serving = { ...ready, child }
      this.#watch.keepOnly(imported)
      this.#lastError = ''
      if (old !== undefined) await this.#retire(old)
      const seconds = ((performance.now() - (change?.noticedAt ?? startedAt)) / 1000).toFixed(1)
      if (change === undefined) log(`Started again in ${seconds} s`)
      else log(`Reloaded in ${seconds} s: ${named(change.paths)} changed`)
    } catch (error) {
      if (!lifecycle.signal.aborted) this.#explain(error, change)
    }
  }

  /** An error that repeats with the same code is shown once. */
  #explain(error: unknown, change: Change | undefined): void {
    const { message } = error as Error
    if (change === undefined && message === this.#lastError) return
    this.#lastError = message
    reportError(error)
    this.#options.log(
      this.#serving === undefined
        ? 'Nothing runs until you correct this'
        : 'Not reloaded: the old code goes on until you correct this',
    )
  }

  /** Resolves when the old process takes no more runs; it ends later. */
  async #retire({ child, url }: Serving): Promise<void> {
    this.#draining.add(child)
    if (url !== undefined) await this.#options.settled?.(url)
    void child.stop({ isHurried: false }).then(() => this.#draining.delete(child))
    await child.draining
  }

  async #abandon(child: RuntimeChild): Promise<void> {
    this.#abandoned.add(child)
    void child.exited.then(() => this.#abandoned.delete(child))
    const isGone = await Promise.race([
      child.stop({ isHurried: true }).then(() => true),
      sleep(ABANDON_MS, false, { ref: false }),
    ])
    if (!isGone) await child.kill()
  }

  #fork(): { child: RuntimeChild; imported: ReadonlySet<string> } {
    const imported = new Set<string>()
    const child = new RuntimeChild(this.#options.task, (files) => {
      for (const [path] of files) imported.add(path)
      // Ignores children that were replaced or given up: they may have read older versions of files, which
      // would count as changes again.
      if (!this.#draining.has(child) && !this.#abandoned.has(child)) this.#watch.add(files)
    })
    this.#children.add(child)
    void child.exited.then(() => this.#children.delete(child))
    return { child, imported }
  }

  #onChange(change: Change): void {
    const paths = new Set([...(this.#pending?.paths ?? []), ...change.paths])
    const noticedAt = Math.min(this.#pending?.noticedAt ?? change.noticedAt, change.noticedAt)
    this.#pending = { paths: [...paths], noticedAt }
    this.#wake.resolve()
  }

  #takeChange(): Change | undefined {
    const change = this.#pending
    this.#pending = undefined
    this.#wake = Promise.withResolvers()
    return change
  }
}

function named([first = '', ...others]: string[]): string {
  return displayPath(first) + (others.length === 0 ? '' : ` and ${others.length} more`)
}
