import type { Duplex } from 'node:stream'
import type { Drained } from '../services.ts'

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
