import type { EventBatch } from '../../events/event-ring.ts'
import type { KeepAlive } from '../keep-alive.ts'
import { KEEP_ALIVE, toChunk } from './sse-chunk.ts'

/** What a stream of events is written from: an `EventStream`. */
interface EventSource {
  readonly isOver: boolean
  onReady: () => void
  take(): EventBatch | undefined
  close(): void
}

/**
 * A stream of events as `text/event-stream`. A batch is one chunk; it is only taken from the source when
 * the socket has room for it.
 */
export function toEventStream(source: EventSource, keepAlive: KeepAlive): ReadableStream<Uint8Array> {
  let isAsked = false
  let write: (chunk: Uint8Array) => void
  let deliver: () => void
  const watched = keepAlive.watch(() => {
    if (isAsked) write(KEEP_ALIVE)
  })

  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        write = (chunk) => {
          isAsked = false
          controller.enqueue(chunk)
        }
        deliver = () => {
          if (!isAsked && !source.isOver) return
          try {
            const batch = source.take()
            if (batch !== undefined) {
              watched.wrote()
              write(toChunk(batch))
            } else if (source.isOver) {
              watched.stop()
              controller.close()
            }
          } catch (error) {
            watched.stop()
            controller.error(error)
          }
        }
        source.onReady = deliver
      },
      // It doesn't wait for a batch: meanwhile, keep-alives are written.
      pull() {
        isAsked = true
        deliver()
      },
      cancel() {
        source.onReady = () => {}
        watched.stop()
        source.close()
      },
    },
    // Nothing is taken ahead of the reader: the source keeps it once for all, a queue here for one alone.
    { highWaterMark: 0 },
  )
}
