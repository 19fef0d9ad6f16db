import type { Context } from 'hono'
import { accepts } from 'hono/accepts'

const STREAM = 'text/event-stream'
const ACCEPTED = { header: 'Accept' as const, supports: ['application/json', STREAM], default: STREAM }

/** Whether the caller wants events as a stream, as an EventSource does. */
export function asksForStream(c: Context): boolean {
  return c.req.header('accept') === STREAM || accepts(c, ACCEPTED) === STREAM
}
