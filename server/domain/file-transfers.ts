// Bounds what uploads and downloads take of a process: how many are under way, of all callers and of one, and how fast they
// are together.
import { randomUUID } from 'node:crypto'
import { NotLetIn, createFairLine } from '../concurrency/fair-line.ts'
import { createPace } from '../concurrency/pace.ts'
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import { ownerOf } from '../ports/owner.ts'
import type { Owner } from '../ports/owner.ts'

export interface FileTransferSettings {
  /** Transfers under way at once. */
  filesAtOnce: number
  /** Of all transfers together; false for no limit. */
  fileBytesPerSecond: number | false
}

/** The same bytes, as soon and as fast as they may be transferred. */
export type Transfer = (owner: Owner, bytes: AsyncIterable<Uint8Array>) => AsyncGenerator<Uint8Array>

/** One caller has a fifth of the places. */
const SHARE = 5
/** A line is so many times longer than what it leads to. */
const LINE = 10
/** How long one waits in it. A browser gives up later. */
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

/** Where nobody has to say who they are, all are the same one, who has all places. */
function keyOf(owner: Owner): string {
  return owner.kind === 'public' ? randomUUID() : JSON.stringify(ownerOf(owner))
}

function toRefusal(cause: NotLetIn): AgentRuntimeError {
  if (cause.reason === 'too-many-of-one') {
    return new AgentRuntimeError('rate_limited', 'Too many of your files are on their way already.', {
      details: { retryAfterSeconds: RETRY_AFTER_SECONDS },
      cause,
    })
  }
  return new AgentRuntimeError('unavailable', 'Too many files are on their way. Try again in a moment.', {
    cause,
  })
}
