import { ModelError } from '../../ports/model.ts'

/**
 * Iterates what an SDK streams, with the {@link Model} port's rules for how it ends: an abort throws the
 * signal's reason (the SDKs end such a stream as if it were complete), any other failure of the SDK
 * throws `translate(error)`. What the consumer throws itself passes through untouched.
 */
export async function* streamFrom<T>(
  open: () => Promise<AsyncIterable<T>>,
  signal: AbortSignal,
  translate: (error: unknown) => ModelError,
): AsyncGenerator<T, void, undefined> {
  signal.throwIfAborted()
  try {
    yield* await open()
  } catch (error) {
    signal.throwIfAborted()
    // What a request can't carry is found before it is sent.
    throw error instanceof ModelError ? error : translate(error)
  }
  signal.throwIfAborted()
}
