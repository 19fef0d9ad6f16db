import type pg from 'pg'
import { startTestRedis } from '../../support/redis.ts'
import { createApiAccess } from './api-access.ts'
import type { FleetOptions } from './fleet.ts'
import { startFleet } from './fleet.ts'
import { startLoad } from './load.ts'
import { recoveriesOf } from './losses.ts'
import type { Recovery } from './losses.ts'
import { memoryOf } from './memory.ts'
import type { LoadOptions } from './plan.ts'
import { USUAL_LOAD } from './plan.ts'
import type { ScenePostgres } from './postgres.ts'
import { startPostgres } from './postgres.ts'
import { untilQuiet } from './quiet.ts'
import { createRandom } from './random.ts'
import { formatReport } from './report.ts'
import type { StatusCount } from './report.ts'
import type { Fault } from './scene.ts'
import { createScene } from './scene.ts'
import { LOAD_TIMEOUT_MS, QUEUE, SEED } from './settings.ts'
import { verdictOf } from './verdict.ts'

export interface Scenario {
  title: string
  faults: readonly Fault[]
  load?: Partial<LoadOptions>
  /** Further environment of all processes. */
  env?: Record<string, string>
  workerEnv?: FleetOptions['workerEnv']
  workerArgs?: FleetOptions['workerArgs']
  /** Whether the processes reach PostgreSQL over a network that can fail. Default: false. */
  isRemote?: boolean
  /** Where the queue and the bus are. Default: the suite's setting. */
  queue?: 'postgres' | 'redis'
  /**
   * Prepares the database.
   *
   * @returns the URL for the processes, if it is another
   */
  prepare?(postgres: ScenePostgres): Promise<string>
}

const IN_REDIS = { QUEUE_BACKEND: 'redis', EVENT_BUS_BACKEND: 'redis' }
const QUIET_TIMEOUT_MS = 90_000

/**
 * Runs two API servers and four workers as processes, under load and faults. Prints the result when all is
 * quiet again.
 *
 * @throws when anything is wrong
 */
export async function play(
  scenario: Scenario,
): Promise<{ recoveries: Recovery[]; counts: Map<string, number>; statuses: StatusCount[] }> {
  const startedAt = performance.now()
  const random = createRandom(`${SEED}/${scenario.title}`)
  await using postgres = await startPostgres()
  const { isRemote = false, queue = QUEUE } = scenario
  await using redis = queue === 'redis' ? await startTestRedis() : undefined
  const databaseUrl =
    (await scenario.prepare?.(postgres)) ?? (isRemote ? postgres.proxyUrl : postgres.directUrl)
  await using fleet = await startFleet({
    databaseUrl,
    traceUrl: isRemote ? postgres.steadyUrl : postgres.directUrl,
    env: { ...(redis && { ...IN_REDIS, REDIS_URL: redis.url }), ...scenario.env },
    servers: 2,
    workers: 4,
    ...(scenario.workerEnv && { workerEnv: scenario.workerEnv }),
    ...(scenario.workerArgs && { workerArgs: scenario.workerArgs }),
  })
  const memoryAtStart = await memoryOf(fleet)
  const calm = new AbortController()
  const over = new AbortController()
  const scene = createScene({ postgres, redis, fleet, random, signal: calm.signal })
  const load = startLoad(
    { ...USUAL_LOAD, ...scenario.load },
    {
      api: createApiAccess(fleet.servers, random.fork('api')),
      random: random.fork('load'),
      signal: AbortSignal.any([over.signal, AbortSignal.timeout(LOAD_TIMEOUT_MS)]),
    },
  )
  const faults = scenario.faults.map((fault) => fault(scene))
  try {
    await Promise.race([load.created, ...faults.map(neverUnlessItFails)])
    calm.abort()
    await Promise.all(faults)
    const ran = await load.ended
    await untilQuiet(postgres, { timeoutMs: QUIET_TIMEOUT_MS })
    const recoveries = await recoveriesOf(scene.losses, postgres)
    const statuses = await postgres.sql<StatusCount & pg.QueryResultRow>(
      `SELECT agent_key AS "agentKey", status, count(*)::int,
        max(extract(epoch FROM finished_at - created_at))::float8 AS "slowestSeconds"
      FROM agent_runtime.run GROUP BY 1, 2`,
    )
    const report = formatReport({
      ...scene,
      ran,
      recoveries,
      title: scenario.title,
      seed: SEED,
      seconds: (performance.now() - startedAt) / 1000,
      restarts: fleet.restarts,
      memory: { start: memoryAtStart, end: await memoryOf(fleet) },
      statuses,
    })
    process.stdout.write(report)
    const broken = await verdictOf(postgres, { ran, losses: scene.losses })
    if (Object.keys(broken).length > 0) throw new Error(describe(broken))
    return { recoveries, counts: scene.counts, statuses }
  } catch (error) {
    const message = `${scenario.title} (FAULTS_SEED=${SEED}): ${error instanceof Error ? error.message : String(error)}`
    const waiting = load.pending().slice(0, FINDINGS_SHOWN)
    const open = await postgres.sql<pg.QueryResultRow>(OPEN)
    throw new Error(`${message}\n${JSON.stringify({ waiting, open })}\n${fleet.complaints()}`, {
      cause: error,
    })
  } finally {
    calm.abort()
    over.abort()
    await Promise.allSettled([load.ended, ...faults])
  }
}

/** What a scene without an end was waiting for. */
const OPEN = `
  SELECT id, agent_key, status, attempt, failures, losses, run_at, lease_expires_at, cancel_requested_at, now()
  FROM agent_runtime.run WHERE status IN ('queued', 'running', 'waiting') LIMIT 10`

const FINDINGS_SHOWN = 5

function describe(broken: Record<string, unknown[]>): string {
  return Object.entries(broken)
    .map(([rule, findings]) => {
      const shown = findings.slice(0, FINDINGS_SHOWN).map((finding) => `\n  ${JSON.stringify(finding)}`)
      return `"${rule}" is broken ${findings.length} times:${shown.join('')}`
    })
    .join('\n')
}

async function neverUnlessItFails(fault: Promise<void>): Promise<never> {
  await fault
  return new Promise(() => {})
}
