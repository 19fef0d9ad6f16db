// Where Prometheus reads what a command's processes measure: it answers nothing else over HTTP.
import { timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Exposition } from '../ports/metrics.ts'
import type { MetricsText } from './child/messages.ts'
import type { RuntimeChild } from './child/runtime-child.ts'
import { CliError } from './cli-error.ts'
import { listen } from './http-server.ts'
import type { Lifecycle } from './lifecycle.ts'
import type { MetricsOptions } from './options.ts'

/** What is read of processes. Undefined while there is none to read. */
export type ReadMetrics = () => Promise<MetricsText | undefined>

/**
 * Answers `GET /metrics` on all addresses where `--metrics-port` asks for it, to whoever has the token, if there is one.
 *
 * @throws CliError when the port can't be had.
 */
export async function serveMetrics(
  { metricsPort, metricsToken }: MetricsOptions,
  { lifecycle, read }: { lifecycle: Lifecycle; read: ReadMetrics },
): Promise<void> {
  if (metricsPort === undefined) return
  const option = '--metrics-port or METRICS_PORT'
  const http = await listen({ host: '0.0.0.0', port: metricsPort, option })
  // What is deferred first is done last: it is answered until the end of draining.
  lifecycle.defer(http.close)
  http.serve((request, response) => void answer(request, response, { read, metricsToken }))
  process.stdout.write(`Metrics at ${http.url}/metrics\n`)
}

async function answer(
  { url, headers }: IncomingMessage,
  response: ServerResponse,
  { read, metricsToken }: { read: ReadMetrics; metricsToken: string | undefined },
): Promise<void> {
  if (url?.split('?', 1)[0] !== '/metrics') return send(response, 404, NOTHING_ELSE)
  if (metricsToken !== undefined && !isAllowed(headers.authorization, metricsToken)) {
    response.setHeader('www-authenticate', 'Bearer')
    return send(response, 401, { contentType: 'text/plain', text: 'Send the token: METRICS_TOKEN.\n' })
  }
  const page = await read().catch(() => undefined)
  if (page === undefined) return send(response, 503, { contentType: 'text/plain', text: 'Starting.\n' })
  send(response, 200, page)
}

const NOTHING_ELSE: MetricsText = {
  contentType: 'text/plain',
  text: 'There is /metrics here, and nothing else.\n',
}

function isAllowed(authorization: string | undefined, token: string): boolean {
  const [given, wanted] = [authorization ?? '', `Bearer ${token}`].map((text) => Buffer.from(text))
  return given!.length === wanted!.length && timingSafeEqual(given!, wanted!)
}

function send(response: ServerResponse, status: number, { contentType, text }: MetricsText): void {
  response.writeHead(status, { 'content-type': contentType, 'cache-control': 'no-store' })
  response.end(text)
}

/** Of the command's own process. */
export async function readOwn(exposition: Exposition | undefined): Promise<MetricsText | undefined> {
  if (exposition === undefined) return undefined
  return { contentType: exposition.contentType, text: await exposition.format([await exposition.read()]) }
}

/** Of several processes as one: the first that answers puts into one text what the others have measured. */
export async function readChildren(children: Iterable<RuntimeChild>): Promise<MetricsText | undefined> {
  const asked = [...children].filter(({ isSilent, isMeasuring }) => isMeasuring && !isSilent)
  const read = await Promise.all(asked.map(async (child) => ({ child, measured: await child.readMetrics() })))
  const [first, ...others] = read.filter(({ measured }) => measured !== undefined)
  return first?.child.formatMetrics(others.flatMap(({ measured }) => measured ?? []))
}

/** @throws CliError for a runtime that measures nothing. */
export function assertMeasuring(isMeasuring: boolean): void {
  if (isMeasuring) return
  throw new CliError(
    'The runtime has no metrics to answer with: give createAgentRuntime `metrics: prometheus()` of trpc-agent-runtime/prometheus, or leave --metrics-port out.',
  )
}
