import type { AnyRunEvent } from '../../contract/event.ts'
import { toRestEvent } from './wire.ts'

interface SseOptions {
  /** Milliseconds of silence after which a comment keeps proxies from closing the connection. */
  keepAliveMs: number
  /** Called once when the stream is over, whoever ended it. */
  onClose(): void
}

const KEEP_ALIVE = ': keep-alive\n\n'

/**
 * A stream of events as `text/event-stream`. A batch is one chunk; the next batch is only asked for
 * when the socket has taken the last.
 *
 * Format: https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export function toEventStream(
  batches: AsyncGenerator<AnyRunEvent[], void>,
  { keepAliveMs, onClose }: SseOptions,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  let next: Promise<IteratorResult<AnyRunEvent[], void>> | undefined

  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        next ??= batches.next()
        const result = await orTimeout(next, keepAliveMs).catch((error: unknown) => {
          onClose()
          throw error
        })
        if (result === undefined) return controller.enqueue(encoder.encode(KEEP_ALIVE))
        next = undefined
        if (result.done === true) {
          controller.close()
          onClose()
        } else {
          controller.enqueue(encoder.encode(result.value.map(toFrame).join('')))
        }
      },
      async cancel() {
        onClose()
        // A source that waits for a reader to take its last batch hears of no signal.
        await batches.return()
      },
    },
    { highWaterMark: 1 },
  )
}

function toFrame(event: AnyRunEvent): string {
  return `id: ${event.seq}\nevent: ${event.type}\ndata: ${JSON.stringify(toRestEvent(event))}\n\n`
}

async function orTimeout<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, ms, undefined)
    timer.unref()
  })
  try {
    return await Promise.race([promise, timeout])
  } finally {
    clearTimeout(timer)
  }
}
