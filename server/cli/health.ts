// The HTTP server of a worker for health checks by process managers. It answers nothing else.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { describeHealth } from '../domain/health.ts'
import type { Health } from '../domain/health.ts'
import { listen } from './http-server.ts'
import type { RuntimeChild } from './child/runtime-child.ts'
import type { Lifecycle } from './lifecycle.ts'

export interface WorkerHealth {
  /** How many processes there should be. */
  processes: number
  /** How many of them take runs now. */
  taking: number
  /** The health of each process that reaches the database. */
  workers: Health[]
}

/**
 * Answers `GET /healthz`, and `GET /readyz` with 503 while no process takes runs: the worker starts, drains,
 * or does not reach the database.
 *
 * @throws CliError when the port cannot be taken.
 */
export async function serveHealth(
  port: number,
  { lifecycle, health }: { lifecycle: Lifecycle; health: () => Promise<WorkerHealth> },
): Promise<void> {
  // Health checks mostly come from other machines.
  const http = await listen({ host: '0.0.0.0', port, option: '--health-port or HEALTH_PORT' })
  // Deferred first, so done last: it answers until the end of draining.
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

/** The health of the processes that reach the database. */
export async function readHealths(children: Iterable<RuntimeChild>): Promise<Health[]> {
  const asked = [...children].filter(({ isSilent }) => !isSilent)
  const healths = await Promise.all(asked.map((child) => child.readHealth()))
  return healths.filter((health) => health !== undefined)
}
