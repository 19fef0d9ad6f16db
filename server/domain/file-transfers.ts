// Limits the uploads and downloads of a process: how many are under way, in total and per caller, and their speed
// together.
import { randomUUID } from 'node:crypto'
import { NotLetIn, createFairLine } from '../concurrency/fair-line.ts'
import { createPace } from '../concurrency/pace.ts'
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import { ownerOf } from '../ports/owner.ts'
import type { Owner } from '../ports/owner.ts'

export interface FileTransferSettings {
  /** The most transfers under way at once. */
  filesAtOnce: number
  /** The limit for all transfers together; false for no limit. */
  fileBytesPerSecond: number | false
}

/** Passes the bytes on, as soon and as fast as they may be transferred. */
export type Transfer = (owner: Owner, bytes: AsyncIterable<Uint8Array>) => AsyncGenerator<Uint8Array>

/** One caller may have a fifth of the places. */
const SHARE = 5
/** How many transfers may wait for each that may be under way. */
const LINE = 10
/** How long a transfer waits for a place. A browser gives up later. */
const PATIENCE_MS = 30_000
const RETRY_AFTER_SECONDS = 5

export function createFileTransfers({ filesAtOnce, fileBytesPerSecond }: FileTransferSettings): Transfer {
  const perKey = Math.ceil(filesAtOnce / SHARE)
  const enter = createFairLine({
    atOnce: filesAtOnce,
    perKey,
    waiting: filesAtOnce * LINE,
    waitingPerKey: perKey * LINE,
    patienceMs: PATIENCE_MS,
  })
  const pace = createPace(fileBytesPerSecond)

  return async function* transfer(owner, bytes) {
    const leave = await enter(keyOf(owner)).catch((error: unknown) => {
      throw error instanceof NotLetIn ? toRefusal(error) : error
    })
    try {
      for await (const chunk of bytes) {
        await pace(chunk.length)
        yield chunk
      }
    } finally {
      leave()
    }
  }
}

/**
 * All unauthenticated callers are one public principal, which may have all places. So each of its transfers gets its
 * own key.
 */
function keyOf(owner: Owner): string {
  return owner.kind === 'public' ? randomUUID() : JSON.stringify(ownerOf(owner))
}

function toRefusal(cause: NotLetIn): AgentRuntimeError {
  if (cause.reason === 'too-many-of-one') {
    return new AgentRuntimeError('rate_limited', 'Too many of your files are being transferred already.', {
      details: { retryAfterSeconds: RETRY_AFTER_SECONDS },
      cause,
    })
  }
  return new AgentRuntimeError(
    'unavailable',
    'Too many files are being transferred. Try again in a moment.',
    {
      cause,
    },
  )
}
