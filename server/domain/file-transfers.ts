// Shares a process's work with files among uploads and downloads, piece by piece. Nothing is held while a client or the
// caller's code is waited for, so slow ones delay nobody.
import { randomUUID } from 'node:crypto'
import { createFairLine } from '../concurrency/fair-line.ts'
import { createPace } from '../concurrency/pace.ts'
import { ownerOf } from '../ports/owner.ts'
import type { Owner } from '../ports/owner.ts'

export interface FileTransfers {
  /** Passes an upload's pieces on. The work is that of the reader, who stores them. */
  incoming(owner: Owner, pieces: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>
  /** Passes a download's pieces on. The work is to read them. */
  outgoing(owner: Owner, pieces: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>
}

/** With this many in work, the pace has promised at most a second of its time. */
const PIECES_AT_ONCE = 4
const PIECES_OF_ONE = 2

/** @param bytesPerSecond the limit for all transfers together; false for no limit. */
export function createFileTransfers(bytesPerSecond: number | false): FileTransfers {
  const enter = createFairLine({ atOnce: PIECES_AT_ONCE, perKey: PIECES_OF_ONE })
  const pace = createPace(bytesPerSecond)

  async function* read(key: string, pieces: AsyncIterable<Uint8Array>, signal: AbortSignal) {
    const source = pieces[Symbol.asyncIterator]()
    try {
      for (;;) {
        const piece = await inPlace(
          () => enter(key, signal),
          async () => {
            const next = await source.next()
            if (next.done !== true) await pace(next.value.length)
            return next
          },
        )
        if (piece.done === true) return
        yield piece.value
      }
    } catch (error) {
      if (!signal.aborted) throw error
    } finally {
      await source.return?.()
    }
  }

  return {
    async *incoming(owner, pieces) {
      const key = keyOf(owner)
      for await (const piece of pieces) {
        const leave = await enter(key)
        try {
          await pace(piece.length)
          yield piece
        } finally {
          leave()
        }
      }
    },

    outgoing(owner, pieces) {
      const leaving = new AbortController()
      const reading = read(keyOf(owner), pieces, leaving.signal)
      return {
        [Symbol.asyncIterator]: () => ({
          next: () => reading.next(),
          return() {
            // The generator itself would hear of this only after the piece that it waits for.
            leaving.abort()
            return reading.return(undefined)
          },
        }),
      }
    },
  }
}

async function inPlace<T>(enter: () => Promise<() => void>, work: () => Promise<T>): Promise<T> {
  const leave = await enter()
  try {
    return await work()
  } finally {
    leave()
  }
}

/** All unauthenticated callers are one public principal. So each of their transfers counts by itself. */
function keyOf(owner: Owner): string {
  return owner.kind === 'public' ? randomUUID() : JSON.stringify(ownerOf(owner))
}
