import type { EventBatch } from './event-ring.ts'
import type { EventStream } from './event-stream.ts'

/** The common part of all event streams: one consumer, the next batch, and the end. Subclasses find the batches. */
export abstract class TakenStream implements EventStream {
  /** The next batch to take. */
  #ahead: EventBatch | undefined
  #isClosed = false
  #failure: { error: unknown } | undefined
  #consumer: (() => void) | undefined
  /** The calls of `peek` that wait. */
  #waiting: (() => void)[] = []
  /** Nothing comes after the batch ahead. */
  protected hasAll = false

  abstract readonly hasReachedEnd: boolean
  abstract readonly isRunning: boolean

  /** The next batch; undefined when there is none yet. Sets `hasAll` when no batch will follow. */
  protected abstract findNext(): EventBatch | undefined

  /** Releases the sources of the stream. Called once. */
  protected abstract release(): void

  protected get isClosed(): boolean {
    return this.#isClosed
  }

  get isOver(): boolean {
    return (this.hasAll || this.#isClosed) && this.#ahead === undefined
  }

  consume(onReady: () => void): void {
    if (this.#consumer !== undefined) throw new Error('A stream of events can have only one consumer.')
    this.#consumer = onReady
  }

  take(): EventBatch | undefined {
    this.#lookAhead()
    const taken = this.#ahead
    this.#ahead = undefined
    if (this.isOver) this.#leave()
    return taken
  }

  async peek(): Promise<EventBatch | undefined> {
    for (;;) {
      this.#lookAhead()
      if (this.#ahead !== undefined || this.isOver) return this.#ahead
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    }
  }

  async next(): Promise<IteratorResult<EventBatch, void>> {
    await this.peek()
    const value = this.take()
    return value === undefined ? { done: true, value } : { done: false, value }
  }

  async return(): Promise<IteratorResult<EventBatch, void>> {
    this.close()
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  close(): void {
    this.#ahead = undefined
    this.#leave()
    this.tell()
  }

  fail(error: unknown): void {
    if (this.#isClosed) return
    this.#failure = { error }
    this.close()
  }

  onNews(): void {
    this.tell()
  }

  onFailure(error: unknown): void {
    this.fail(error)
  }

  /** Tells the consumer that `take` may have an answer. */
  protected readonly tell = (): void => {
    this.#consumer?.()
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  #lookAhead(): void {
    if (this.#failure !== undefined) throw this.#failure.error
    if (this.#ahead !== undefined || this.hasAll || this.#isClosed) return
    try {
      this.#ahead = this.findNext()
    } catch (error) {
      this.fail(error)
      throw error
    }
  }

  #leave(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.release()
  }
}
