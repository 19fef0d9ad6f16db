// The HTTP server from which Prometheus reads the metrics of a command's processes. It answers nothing else.
import { timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Exposition } from '../ports/metrics.ts'
import type { MetricsText } from './child/messages.ts'
import type { RuntimeChild } from './child/runtime-child.ts'
import { CliError } from './cli-error.ts'
import { listen } from './http-server.ts'
import type { Lifecycle } from './lifecycle.ts'
import type { MetricsOptions } from './options.ts'

/** The metrics of the processes. Undefined while there is no process to read. */
export type ReadMetrics = () => Promise<MetricsText | undefined>

/**
 * Answers `GET /metrics` on all addresses if `--metrics-port` is set. If there is a token, requests must have
 * it.
 *
 * @throws CliError when the port cannot be taken.
 */
export async function serveMetrics(
  { metricsPort, metricsToken }: MetricsOptions,
  { lifecycle, read }: { lifecycle: Lifecycle; read: ReadMetrics },
): Promise<void> {
  if (metricsPort === undefined) return
  const option = '--metrics-port or METRICS_PORT'
  const http = await listen({ host: '0.0.0.0', port: metricsPort, option })
  // Deferred first, so done last: it answers until the end of draining.
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
  text: 'Only /metrics is served here.\n',
}

function isAllowed(authorization: string | undefined, token: string): boolean {
  const [given, wanted] = [authorization ?? '', `Bearer ${token}`].map((text) => Buffer.from(text))
  return given!.length === wanted!.length && timingSafeEqual(given!, wanted!)
}

function send(response: ServerResponse, status: number, { contentType, text }: MetricsText): void {
  response.writeHead(status, { 'content-type': contentType, 'cache-control': 'no-store' })
  response.end(text)
}

/** Metrics of the command's own process. */
export async function readOwn(exposition: Exposition | undefined): Promise<MetricsText | undefined> {
  if (exposition === undefined) return undefined
  return { contentType: exposition.contentType, text: await exposition.format([await exposition.read()]) }
}

/**
 * Metrics of several processes as one text: the first process that answers adds the metrics of the others.
 */
export async function readChildren(children: Iterable<RuntimeChild>): Promise<MetricsText | undefined> {
  const asked = [...children].filter(({ isSilent, isMeasuring }) => isMeasuring && !isSilent)
  const read = await Promise.all(asked.map(async (child) => ({ child, measured: await child.readMetrics() })))
  const [first, ...others] = read.filter(({ measured }) => measured !== undefined)
  return first?.child.formatMetrics(others.flatMap(({ measured }) => measured ?? []))
}

/** @throws CliError if the runtime has no metrics. */
export function assertMeasuring(isMeasuring: boolean): void {
  if (isMeasuring) return
  throw new CliError(
    'The runtime has no metrics: give createAgentRuntime `metrics: prometheus()` of trpc-agent-runtime/prometheus, or leave --metrics-port out.',
  )
}
