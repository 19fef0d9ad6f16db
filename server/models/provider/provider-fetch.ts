import { readRetryAfterMs } from './retry-after.ts'
import { readableFailure } from './readable-failure.ts'

/** As much of `fetch` as the SDKs use. */
export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>

const LONGEST_WAIT_MS = 10_000

/**
 * `fetch` for a provider's SDK, which tells of each sign of life: SDKs keep keep-alives to themselves. What a server refuses is
 * made readable for the SDK.
 *
 * SDKs retry by themselves and heed `Retry-After`. An answer that asks for more than 10 seconds is marked as one not to retry:
 * that long the run waits elsewhere.
 */
export function providerFetch(
  onActivity: () => void,
  send: Fetch = (input, init) => fetch(input, init),
): Fetch {
  return async (input, init) => {
    const response = await send(input, init)
    onActivity()
    if (!response.ok) return withoutLongWait(await readableFailure(response))
    const watch = new TransformStream<Uint8Array, Uint8Array>({
      transform(bytes, controller) {
        onActivity()
        controller.enqueue(bytes)
      },
    })
    return new Response(response.body?.pipeThrough(watch) ?? null, response)
  }
}

function withoutLongWait(response: Response): Response {
  if ((readRetryAfterMs(response.headers) ?? 0) > LONGEST_WAIT_MS) {
    response.headers.set('x-should-retry', 'false')
  }
  return response
}
