// A collector on the loopback that decodes the spans it gets.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

type Attributes = Record<string, unknown>

interface Keyed {
  attributes?: { key: string; value: Record<string, unknown> }[]
}

interface SentSpan extends Keyed {
  name: string
  traceId: string
  spanId: string
  parentSpanId?: string
  links?: ({ traceId: string; spanId: string } & Keyed)[]
}

export interface ReceivedSpan extends Omit<SentSpan, 'attributes' | 'links'> {
  attributes: Attributes
  links: { traceId: string; spanId: string; attributes: Attributes }[]
}

interface Received {
  path: string | undefined
  authorization: string | undefined
  spans: ReceivedSpan[]
  text: string
}

/** @returns the spans so far, and its address */
export async function startOtlpReceiver() {
  const received: Received[] = []
  const server = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request.setEncoding('utf8')) text += String(chunk)
    const body = JSON.parse(text) as { resourceSpans: { scopeSpans: { spans: SentSpan[] }[] }[] }
    const sent = body.resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
    received.push({
      path: request.url,
      authorization: request.headers.authorization,
      spans: sent.map((span) => ({
        ...span,
        attributes: attributesOf(span),
        links: (span.links ?? []).map((link) => ({ ...link, attributes: attributesOf(link) })),
      })),
      text,
    })
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    received,
    spans: (): ReceivedSpan[] => received.flatMap(({ spans }) => spans),
    host: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const attributesOf = ({ attributes = [] }: Keyed): Attributes =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]))
