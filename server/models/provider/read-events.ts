import { createParser } from 'eventsource-parser'

/** One event of a provider's stream. `data` is text: whether it is JSON is the wire's concern. */
export interface ServerEvent {
  event: string | undefined
  data: string
}

/**
 * The events of a provider's answer, however its bytes are cut and its lines end, also without an end of the last event. An
 * answer without a stream, from a server that ignores `stream`, is one event.
 */
export async function* readEvents(response: Response): AsyncGenerator<ServerEvent, void, undefined> {
  if (response.body === null) return
  if (isJson(response)) {
    yield { event: undefined, data: await response.text() }
    return
  }
  const parsed: ServerEvent[] = []
  const parser = createParser({
    onEvent: ({ event, data }) => parsed.push({ event, data }),
  })
  const decoder = new TextDecoder()
  for await (const bytes of response.body) {
    parser.feed(decoder.decode(bytes, { stream: true }))
    for (const event of parsed.splice(0)) yield event
  }
  // Some servers leave out the empty line that ends the last event.
  parser.feed(`${decoder.decode()}\n\n`)
  yield* parsed
}

function isJson({ headers }: Response): boolean {
  return /^application\/(?:[\w.-]+\+)?json\b/i.test(headers.get('content-type') ?? '')
}

/** What an event carries; undefined where that is no JSON, which is broken where it begins as such, and else a keep-alive. */
export function parseEvent(data: string): { value: unknown } | 'broken' | undefined {
  try {
    return { value: JSON.parse(data) as unknown }
  } catch {
    return /^\s*[[{]/.test(data) ? 'broken' : undefined
  }
}
