// Where those who look after processes ask a worker how it is: it answers nothing else over HTTP.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { describeHealth } from '../domain/health.ts'
import type { Health } from '../domain/health.ts'
import { listen } from './http-server.ts'
import type { RuntimeChild } from './child/runtime-child.ts'
import type { Lifecycle } from './lifecycle.ts'

export interface WorkerHealth {
  /** How many processes there are to be. */
  processes: number
  /** How many of them take runs now. */
  taking: number
  /** How each is that reaches the database. */
  workers: Health[]
}

/**
 * Answers `GET /healthz`, and `GET /readyz` with 503 while nothing takes runs: it starts, drains, or does not reach the
 * database.
 *
 * @throws CliError when the port can't be had.
 */
export async function serveHealth(
  port: number,
  { lifecycle, health }: { lifecycle: Lifecycle; health: () => Promise<WorkerHealth> },
): Promise<void> {
  // Those who ask are on other machines, most often.
  const http = await listen({ host: '0.0.0.0', port, option: '--health-port or HEALTH_PORT' })
  // What is deferred first is done last: it is answered until the end of draining.
  lifecycle.defer(http.close)
  http.serve((request, response) => void answer(request, response, health))
  process.stdout.write(`Health at ${http.url}/readyz\n`)
}

async function answer(
  { url }: IncomingMessage,
  response: ServerResponse,
  health: () => Promise<WorkerHealth>,
): Promise<void> {
  const path = url?.split('?', 1)[0]
  if (path === '/healthz') return send(response, 200, { status: 'ok' })
  if (path !== '/readyz') return send(response, 404, { status: 'not_found' })
  const { processes, taking, workers } = await health()
  const isReady = taking > 0
  send(response, isReady ? 200 : 503, {
    status: isReady ? 'ready' : 'not_ready',
    processes,
    taking,
    workers: workers.map(describeHealth),
  })
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(`${JSON.stringify(body)}\n`)
}

/** How those processes are that reach the database. */
export async function readHealths(children: Iterable<RuntimeChild>): Promise<Health[]> {
  const asked = [...children].filter(({ isSilent }) => !isSilent)
  const healths = await Promise.all(asked.map((child) => child.readHealth()))
  return healths.filter((health) => health !== undefined)
}
