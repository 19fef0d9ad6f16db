import type { McpConnection } from './connection.ts'

interface PoolOptions {
  open(): Promise<McpConnection>
  /** It is about to have a connection. */
  onUsed(): void
  /** It has none any more, and nobody waits for one. */
  onEmpty(): void
  /** How many connections there are at once; further calls wait. */
  max: number
  /** Milliseconds after which one that nobody uses is closed. */
  idleMs: number
}

interface Idle {
  connection: McpConnection
  timer: NodeJS.Timeout
}

/** Connections that are lent to one user at a time. */
export class Pool {
  readonly #options: PoolOptions
  readonly #idle: Idle[] = []
  readonly #lent = new Set<McpConnection>()
  readonly #waiting: (() => void)[] = []
  #taken = 0
  /** How often it was closed. */
  #closes = 0

  constructor(options: PoolOptions) {
    this.#options = options
  }

  /** @param work is told whether the connection has served before, and may have been lost since. */
  async use<T>(work: (connection: McpConnection, isReused: boolean) => Promise<T>): Promise<T> {
    this.#options.onUsed()
    if (this.#taken < this.#options.max) this.#taken += 1
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    const closes = this.#closes
    try {
      const idle = this.#takeIdle()
      const connection = idle ?? (await this.#options.open())
      this.#lent.add(connection)
      try {
        return await work(connection, idle !== undefined)
      } finally {
        this.#lent.delete(connection)
        // One that was being opened while the others were closed.
        if (closes !== this.#closes) void connection.close()
        else if (connection.isOpen) this.#keep(connection)
      }
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#taken -= 1
      else next()
      this.#tellIfEmpty()
    }
  }

  async close(): Promise<void> {
    this.#closes += 1
    const idle = this.#idle.splice(0)
    for (const { timer } of idle) clearTimeout(timer)
    await Promise.all([...idle.map(({ connection }) => connection), ...this.#lent].map((one) => one.close()))
    this.#tellIfEmpty()
  }

  #tellIfEmpty(): void {
    if (this.#taken === 0 && this.#idle.length === 0) this.#options.onEmpty()
  }

  #takeIdle(): McpConnection | undefined {
    for (let last = this.#idle.pop(); last !== undefined; last = this.#idle.pop()) {
      clearTimeout(last.timer)
      if (last.connection.isOpen) return last.connection
    }
    return undefined
  }

  #keep(connection: McpConnection): void {
    const timer = setTimeout(() => {
      const index = this.#idle.findIndex((idle) => idle.connection === connection)
      if (index >= 0) this.#idle.splice(index, 1)
      void connection.close()
      this.#tellIfEmpty()
    }, this.#options.idleMs)
    timer.unref()
    this.#idle.push({ connection, timer })
  }
}
