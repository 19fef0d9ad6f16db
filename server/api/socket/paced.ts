import type { Drained } from '../services.ts'

/**
 * The same items, each asked for only when the one before is on its way. tRPC's adapter pulls the next
 * event as soon as it has handed the last one to the socket; held back here, a reader that is too slow for
 * its stream costs what its connection buffers and one event, and is read to from the store when it
 * comes along.
 */
export async function* paced<T>(source: AsyncIterable<T>, drained: Drained): AsyncGenerator<T, void> {
  for await (const item of source) {
    yield item
    await drained()
  }
}

export function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}
