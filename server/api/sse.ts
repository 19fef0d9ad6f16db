// Format: https://html.spec.whatwg.org/multipage/server-sent-events.html
import type { EventBatch } from '../events/event-ring.ts'
import { ANSWER_HEADERS } from './answer.ts'
import type { KeepAlive } from './keep-alive.ts'
import type { Watch } from './watch-reader.ts'

/** The source of a stream of events: an `EventStream`. */
interface EventSource {
  readonly isOver: boolean
  readonly isRunning: boolean
  consume(onReady: () => void): void
  take(): EventBatch | undefined
  close(): void
}

/** How a transport writes a stream. */
export interface SseFormat {
  opening?: Uint8Array
  /**
   * Tells the reader how long the stream may be silent: at the beginning, and when that changes. Default:
   * readers are not told.
   */
  pace?(isRunning: boolean): Uint8Array
  keepAlive: Uint8Array
  encode(batch: EventBatch): Uint8Array
  /**
   * The last bytes of a stream that ended, or failed with `error`. Default: none; a stream that failed is
   * broken off.
   */
  closing?(error?: unknown): Uint8Array
}

/**
 * A stream of events as `text/event-stream`. A batch is one chunk. It is taken from the source only when the
 * socket has room for it.
 */
export function toEventStream(
  source: EventSource,
  format: SseFormat,
  { keepAlive, watch }: { keepAlive: KeepAlive; watch: Watch },
): ReadableStream<Uint8Array> {
  let { opening } = format
  /** What the reader was told. */
  let told: Uint8Array | undefined
  let isAsked = false
  let isEnded = false
  let write: (chunk: Uint8Array) => void
  let deliver: () => void
  let endEarly: (reason: unknown) => void
  const watched = keepAlive.watch(source, () => {
    if (isAsked) write(format.keepAlive)
  })
  const unwatch = watch((reason) => endEarly(reason))

  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        write = (chunk) => {
          isAsked = false
          controller.enqueue(chunk)
        }
        const end = (error?: unknown) => {
          isEnded = true
          watched.stop()
          unwatch()
          if (error !== undefined && format.closing === undefined) return controller.error(error)
          if (format.closing !== undefined) controller.enqueue(format.closing(error))
          controller.close()
        }
        deliver = () => {
          if (isEnded || (!isAsked && !source.isOver)) return
          if (opening !== undefined) {
            watched.wrote()
            write(opening)
            opening = undefined
            return
          }
          const pace = format.pace?.(source.isRunning)
          if (pace !== undefined && pace !== told && !(source.isOver && told)) {
            watched.wrote()
            write(pace)
            told = pace
            return
          }
          try {
            const batch = source.take()
            if (batch !== undefined) {
              watched.wrote()
              write(format.encode(batch))
            } else if (source.isOver) end()
          } catch (error) {
            end(error)
          }
        }
        // Without last bytes the stream ends as if the server had stopped. Its reader comes back and then
        // gets the error.
        endEarly = (reason) => {
          end(format.closing && reason)
          source.close()
        }
        source.consume(deliver)
      },
      // Do not wait for a batch here, since keep-alives must be written meanwhile.
      pull() {
        isAsked = true
        deliver()
      },
      cancel() {
        isEnded = true
        watched.stop()
        unwatch()
        source.close()
      },
    },
    // Take no batch before the reader has room: the source holds it once for all readers, but a queue here
    // would hold a copy.
    { highWaterMark: 0 },
  )
}

export const EVENT_STREAM_HEADERS = {
  ...ANSWER_HEADERS,
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-store, no-transform',
  'x-accel-buffering': 'no',
} as const
