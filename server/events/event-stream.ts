import type { EventBatch } from './event-ring.ts'

/**
 * One reader's place in a run, in batches. Read it with `for await`, or with `consume` and `take` to take a batch only
 * when there is room for it. It ends after the terminal event, even when the reader may not see that event.
 */
export interface EventStream extends AsyncIterableIterator<EventBatch, void> {
  /** Whether nothing is left to take and nothing will come. */
  readonly isOver: boolean
  /**
   * Whether a followed run is active or may become so: it is not over and waits for nobody. Judged by the events taken
   * so far.
   */
  readonly isRunning: boolean
  /** Whether it ended by itself. False when it was closed before, or its events were deleted. */
  readonly hasReachedEnd: boolean
  /**
   * Calls `onReady` whenever `take` may have a new answer, until the stream is closed.
   *
   * @throws when the stream has a consumer already: each would miss what the other takes.
   */
  consume(onReady: () => void): void
  /**
   * Takes the batch that is ready. Undefined means that there is none yet, or none ever again if it `isOver`.
   *
   * @throws the store's error, after which the stream is closed.
   */
  take(): EventBatch | undefined
  /** Waits for the next batch, without taking it. */
  peek(): Promise<EventBatch | undefined>
  return(): Promise<IteratorResult<EventBatch, void>>
  /** Ends it without an error. */
  close(): void
  /** Ends it with an error, for `take` to throw. */
  fail(error: unknown): void
}
