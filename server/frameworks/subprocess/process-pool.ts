import type { AgentProcess } from './agent-process.ts'

interface PoolOptions {
  start(): AgentProcess
  /** What processes run: one of another version is given no more runs. */
  version(): Promise<string>
  /** Processes at once. Further runs wait for one. */
  maxProcesses: number
  /** Processes that are there before a run needs them. */
  warm: number
  /** Runs after which a process is replaced. */
  maxRuns: number
  /** Milliseconds after which a process ends that no run needs, and that is not kept warm. */
  idleMs: number
  /** It is about to have a process. */
  onUsed(): void
  /** It has none any more. */
  onEmpty(): void
}

interface Pooled {
  process: AgentProcess
  version: string
  timer?: NodeJS.Timeout | undefined
}

/** Processes that are lent to a run at a time, and kept for the next. */
export class ProcessPool {
  readonly #options: PoolOptions
  /** Those that nobody uses, the one that was used last at the end. */
  readonly #idle: Pooled[] = []
  readonly #all = new Set<AgentProcess>()
  readonly #waiting: (() => void)[] = []
  /** Processes that are about to be started. */
  #starting = 0
  /** How often it was closed. */
  #closes = 0

  constructor(options: PoolOptions) {
    this.#options = options
  }

  /** Starts those that are to be there beforehand. Never rejects. */
  async warmUp(): Promise<void> {
    const closes = this.#closes
    const isMissing = () => this.#idle.length + this.#starting < this.#options.warm && this.#hasRoom()
    // One that can't say hello is not tried again until a run needs it.
    try {
      // One that is told to end may still say hello: then it is closed, and nobody would end the next.
      while (closes === this.#closes && isMissing()) {
        const pooled = await this.#start()
        this.#giveBack(pooled, closes)
        await pooled.process.ready
      }
    } catch {
      // The run that needs one will say why there is none.
    }
  }

  /** @throws the signal's reason, or why there is no process. */
  async use<T>(signal: AbortSignal, work: (process: AgentProcess) => Promise<T>): Promise<T> {
    const closes = this.#closes
    let taken: Pooled | undefined
    try {
      taken = await this.#take(signal)
      const { process } = taken
      await orAborted(process.ready, signal)
      // The next run is to find one, too.
      if (closes === this.#closes) void this.warmUp()
      process.runs += 1
      return await work(process)
    } finally {
      if (taken !== undefined) {
        this.#giveBack(taken, closes)
        // Once it is closed, nobody would end it.
        if (closes === this.#closes) void this.warmUp()
      }
    }
  }

  /** Ends all processes. Never rejects. Those that are needed later are started anew. */
  async close(): Promise<void> {
    this.#closes += 1
    for (const { timer } of this.#idle.splice(0)) clearTimeout(timer)
    await Promise.all([...this.#all].map((process) => process.stop()))
  }

  #hasRoom(): boolean {
    return this.#all.size + this.#starting < this.#options.maxProcesses
  }

  async #take(signal: AbortSignal): Promise<Pooled> {
    const version = await this.#options.version()
    for (;;) {
      signal.throwIfAborted()
      for (let pooled = this.#idle.pop(); pooled !== undefined; pooled = this.#idle.pop()) {
        clearTimeout(pooled.timer)
        if (pooled.process.isUsable && pooled.version === version) return pooled
        void pooled.process.stop()
      }
      if (this.#hasRoom()) return this.#start()
      await this.#freed(signal)
    }
  }

  async #start(): Promise<Pooled> {
    this.#starting += 1
    const closes = this.#closes
    try {
      this.#options.onUsed()
      // Looked at before the start: what changes meanwhile is another version.
      const version = await this.#options.version()
      // Nobody would end it any more.
      if (closes !== this.#closes) throw new Error('The worker has stopped.')
      const process = this.#options.start()
      this.#all.add(process)
      process.whenOver(() => this.#drop(process))
      void process.ended.then(() => {
        this.#all.delete(process)
        this.#wake()
        if (this.#all.size === 0 && this.#starting === 0) this.#options.onEmpty()
      })
      return { process, version }
    } finally {
      this.#starting -= 1
    }
  }

  /** @param closes how often the pool had been closed when it was taken. */
  #giveBack(pooled: Pooled, closes: number): void {
    const { process } = pooled
    const isKept = process.isUsable && process.runs < this.#options.maxRuns && closes === this.#closes
    if (isKept) this.#keep(pooled)
    else void process.stop()
    this.#wake()
  }

  #keep(pooled: Pooled): void {
    const wait = () => {
      pooled.timer = setTimeout(() => {
        if (this.#idle.length <= this.#options.warm) return wait()
        this.#drop(pooled.process)
        void pooled.process.stop()
      }, this.#options.idleMs)
      pooled.timer.unref()
    }
    wait()
    this.#idle.push(pooled)
  }

  #drop(process: AgentProcess): void {
    const index = this.#idle.findIndex((pooled) => pooled.process === process)
    if (index >= 0) clearTimeout(this.#idle.splice(index, 1)[0]?.timer)
  }

  /** Resolves when there may be a process, or room for one. */
  async #freed(signal: AbortSignal): Promise<void> {
    const freed = Promise.withResolvers<void>()
    this.#waiting.push(freed.resolve)
    try {
      await orAborted(freed.promise, signal)
    } finally {
      const index = this.#waiting.indexOf(freed.resolve)
      // Woken and aborted at once: it is for the next.
      if (index >= 0) this.#waiting.splice(index, 1)
      else if (signal.aborted) this.#wake()
    }
  }

  #wake(): void {
    this.#waiting.shift()?.()
  }
}

async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  const aborted = Promise.withResolvers<never>()
  const abort = () => aborted.reject(signal.reason)
  signal.addEventListener('abort', abort)
  try {
    return await Promise.race([promise, aborted.promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
