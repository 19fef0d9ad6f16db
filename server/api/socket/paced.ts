// tRPC's adapter pulls the next event as soon as it has handed the last one to the socket. Held back here,
// a reader that is too slow for its stream costs what its connection buffers and one event, and is
// read to from the store again when it comes along.
import type { Duplex } from 'node:stream'

/** Undefined when `socket` takes more right now; else resolves when it does, or is closed. */
export type Drained = () => Promise<void> | undefined

/** For all streams over a connection: they share its buffer, so they wait together. */
export function createDrained(socket: Duplex): Drained {
  let waiting: Promise<void> | undefined
  return () => {
    if (!socket.writableNeedDrain || socket.destroyed) return undefined
    waiting ??= new Promise((resolve) => {
      const done = () => {
        socket.off('drain', done).off('close', done)
        waiting = undefined
        resolve()
      }
      socket.on('drain', done).on('close', done)
    })
    return waiting
  }
}

/** The same items, each asked for only when the one before is on its way. */
export async function* paced<T>(source: AsyncIterable<T>, drained: Drained): AsyncGenerator<T, void> {
  for await (const item of source) {
    yield item
    await drained()
  }
}

export function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}
