import type { EventBatch } from './event-ring.ts'

/**
 * One reader's place in a run, in batches. Read it by `for await`, or, to take no batch before there is room for it, by
 * `consume` and `take`. Ends after the terminal event, whether or not that is visible.
 */
export interface EventStream extends AsyncIterableIterator<EventBatch, void> {
  /** Whether nothing is left to take and nothing will come. */
  readonly isOver: boolean
  /** Whether a run that it follows runs, or may begin to: it is not over, and waits for nobody. By what was taken so far. */
  readonly isRunning: boolean
  /** Whether it has come to what ends it by itself, rather than been closed before, or found its events deleted. */
  readonly hasReachedEnd: boolean
  /**
   * Has `onReady` called whenever `take` may have an answer it did not have before, until the stream is closed.
   *
   * @throws when somebody else takes from it already: what one takes the other would miss.
   */
  consume(onReady: () => void): void
  /**
   * Takes what is there now. Undefined means nothing yet, or nothing ever again if it `isOver`.
   *
   * @throws what the store threw; the stream is closed then.
   */
  take(): EventBatch | undefined
  /** Waits for what `take` will answer, without taking it. */
  peek(): Promise<EventBatch | undefined>
  return(): Promise<IteratorResult<EventBatch, void>>
  /** Ends it without an error. */
  close(): void
  /** Ends it with an error, for `take` to throw. */
  fail(error: unknown): void
}
