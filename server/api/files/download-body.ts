// The body of a download, which reads on as its client takes it.
import type { Principal } from '../../contract/principal.ts'
import { FileGone } from '../../ports/files.ts'
import type { TransferSettings } from './transfer.ts'

export interface DownloadSettings extends Pick<TransferSettings, 'idleMs' | 'seats' | 'log'> {
  principal: Principal
  /** Closes the connection. */
  breakOff: (() => void) | undefined
}

/**
 * A download may take nothing for so many times `idleMs`. The kernel takes megabytes on the client's behalf, and says
 * that there is room again only when a third is gone. Until then a slow client looks as if it took nothing.
 */
const PATIENCE = 10

/** Reads the first piece before the answer begins, so that a deleted file is still a 404. */
export async function toBody(
  { signal }: Request,
  read: () => AsyncIterable<Uint8Array>,
  { principal, idleMs, seats, log, breakOff }: DownloadSettings,
): Promise<ReadableStream<Uint8Array>> {
  const seat = seats.take(principal)
  const iterator = read()[Symbol.asyncIterator]()
  let timer: NodeJS.Timeout | undefined
  let isOver = false
  async function end(): Promise<void> {
    isOver = true
    clearTimeout(timer)
    signal.removeEventListener('abort', end)
    await iterator.return?.()
    seat[Symbol.dispose]()
  }
  signal.addEventListener('abort', end)
  let next: IteratorResult<Uint8Array> | undefined
  try {
    next = await iterator.next()
  } catch (error) {
    await end()
    throw error
  }

  return new ReadableStream<Uint8Array>(
    {
      start: awaitClient,
      async pull(controller) {
        clearTimeout(timer)
        try {
          const { done, value } = next ?? (await iterator.next())
          next = undefined
          if (isOver) return
          if (done !== true) {
            awaitClient(controller)
            return controller.enqueue(value)
          }
          controller.close()
          await end()
        } catch (error) {
          log[error instanceof FileGone ? 'debug' : 'error']({ err: error }, BROKEN_OFF)
          giveUp(controller, error)
        }
      },
      cancel: end,
    },
    { highWaterMark: 0 },
  )

  function awaitClient(controller: ReadableStreamDefaultController<Uint8Array>): void {
    if (isOver) return
    timer = setTimeout(() => {
      const error = new Error('The client has read nothing for too long.')
      log.debug({ err: error }, BROKEN_OFF)
      giveUp(controller, error)
    }, idleMs * PATIENCE)
  }

  function giveUp(controller: ReadableStreamDefaultController<Uint8Array>, error: unknown): void {
    void end()
    // An error of the stream would reach stderr, by the HTTP server's adapter.
    if (breakOff === undefined) controller.error(error)
    else breakOff()
  }
}

const BROKEN_OFF = 'a download was broken off'
