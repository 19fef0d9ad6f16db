/** Milliseconds a response asks to wait, from `retry-after-ms` or `Retry-After` (seconds or a date). */
export function readRetryAfterMs(headers: Headers): number | undefined {
  const milliseconds = Number.parseFloat(headers.get('retry-after-ms') ?? '')
  if (Number.isFinite(milliseconds)) return Math.max(0, milliseconds)
  const value = headers.get('retry-after')
  if (value === null) return undefined
  const seconds = Number(value)
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(value) - Date.now()
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined
}

const LONGEST_WAIT_MS = 10_000

/**
 * `fetch` for the provider SDKs, which retry by themselves and heed `Retry-After` while doing so. A run
 * that has to wait longer than 10 seconds should wait in the queue and not in a worker's slot, so such
 * an answer is marked as one not to retry; its `Retry-After` then reaches the caller in `ModelError`.
 */
export async function fetchWithoutLongWaits(
  input: string | URL | Request,
  init?: RequestInit,
): Promise<Response> {
  const response = await fetch(input, init)
  if (response.ok || (readRetryAfterMs(response.headers) ?? 0) <= LONGEST_WAIT_MS) return response
  const headers = new Headers(response.headers)
  headers.set('x-should-retry', 'false')
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers })
}
