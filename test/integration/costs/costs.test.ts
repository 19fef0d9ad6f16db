// What a run costs, in counts and not in time, so a slow machine gets the same. `npm run bench` measures
// times.
import { setTimeout as sleep } from 'node:timers/promises'
import { defineAgent } from '../../../server/index.ts'
import { openRawSocket } from '../../support/raw-socket.ts'
import { expectWithinBudget } from './expect-within-budget.ts'
import { countStatements, readStatementCounts } from './statement-counts.ts'
import { DELTAS, test } from './system.ts'
import type { System } from './system.ts'

const RUNS = 50
const WARM_UP_RUNS = 10
const IDLE_MS = 6_000

/**
 * Runs them one after the other.
 *
 * @returns the cost of one of them
 */
async function countStatementsOfRuns(
  { execute, readCounts }: System,
  agentKey: 'noop' | 'at-once',
  more?: Record<string, unknown>,
) {
  for (let run = 0; run < WARM_UP_RUNS; run += 1) await execute(agentKey, more)
  const before = await readCounts()
  for (let run = 0; run < RUNS; run += 1) await execute(agentKey, more)
  return countStatements({ before, after: await readCounts(), times: RUNS })
}

test('a run takes so many statements', async ({ system }) => {
  const { total, parts } = await countStatementsOfRuns(system, 'noop')
  expectWithinBudget('statements per run', total, parts)
})

test('a run with a conversation of its own takes so many statements', async ({ system }) => {
  const { total, parts } = await countStatementsOfRuns(system, 'noop', { conversation: 'new' })
  expectWithinBudget('statements per run with a conversation of its own', total, parts)
})

test('a run of a tenant that has a limit takes so many statements', async ({ limitedSystem }) => {
  const { total, parts } = await countStatementsOfRuns(limitedSystem, 'noop')
  expectWithinBudget('statements per run of a tenant with a limit', total, parts)
})

test('a run of many deltas at once takes so many statements and rows', async ({ system, database }) => {
  const { total, parts } = await countStatementsOfRuns(system, 'at-once')
  expectWithinBudget(`statements of a run of ${DELTAS} deltas at once`, total, parts)
  const runId = await system.execute('at-once')
  const rows = await database.sql<{ type: string }>(
    'SELECT type FROM agent_runtime.event WHERE run_id = $1 ORDER BY seq',
    [runId],
  )
  const types = rows.map(({ type }) => type)
  expectWithinBudget(`rows of a run of ${DELTAS} deltas at once`, rows.length, types)
})

test('a delta that is followed over SSE takes so many statements and bytes', async ({ system }) => {
  const { host, rest, goOn, readCounts } = system
  const stream = await rest.stream(`runs/${await rest.create('one-by-one')}/events/stream`)
  await stream.until('assistant.delta')
  const bytesWritten = () => Math.max(...host.connections.map((connection) => connection.bytesWritten))
  const before = await readCounts()
  const bytesBefore = bytesWritten()
  for (let delta = 1; delta < DELTAS; delta += 1) {
    goOn()
    await stream.until('assistant.delta')
  }
  const bytes = bytesWritten() - bytesBefore
  const after = await readCounts()
  goOn()
  await stream.until('run.succeeded')
  const { total, parts } = countStatements({ before, after, times: DELTAS - 1 })
  expectWithinBudget('statements per delta that is followed', total, parts)
  expectWithinBudget('bytes per delta over SSE', bytes / (DELTAS - 1))
})

test('a delta that is followed over a WebSocket takes so many bytes', async ({ system }) => {
  const { host, rest, goOn } = system
  const runId = await rest.create('one-by-one')
  using socket = await openRawSocket(host.socketUrl)
  const ofType = (type: string) =>
    socket.until(({ result }) => result?.type === 'data' && result.data?.data.type === type)
  socket.send({ id: 1, method: 'subscription', params: { path: 'runs.events', input: { runId } } })
  await ofType('assistant.delta')
  const [connection] = host.sockets
  const bytesBefore = connection?.bytesWritten ?? NaN
  for (let delta = 1; delta < DELTAS; delta += 1) {
    goOn()
    await ofType('assistant.delta')
  }
  const bytes = (connection?.bytesWritten ?? NaN) - bytesBefore
  goOn()
  await ofType('run.succeeded')
  expectWithinBudget('bytes per delta over a WebSocket', bytes / (DELTAS - 1))
})

test('an API and a worker with nothing to do send so many statements', async ({ createServer, database }) => {
  await database.sql('CREATE EXTENSION pg_stat_statements')
  const agents = [defineAgent({ key: 'noop', run: async () => {} })]
  // With the default settings.
  const config = { queuePollIntervalSeconds: 1, streamPollIntervalSeconds: 2 }
  await createServer({ agents, config })
  const { rest } = await createServer({ agents, config, worker: false })
  await rest.events(`runs/${await rest.create('noop')}/events`)
  const before = await readStatementCounts(database.sql)
  const startedAt = performance.now()
  // The only value that depends on time. A slow machine sends less.
  await sleep(IDLE_MS)
  const after = await readStatementCounts(database.sql)
  const seconds = (performance.now() - startedAt) / 1000
  const { total, parts } = countStatements({ before, after, times: seconds, includeTheClock: true })
  expectWithinBudget('statements per second of an idle API and worker', total, parts)
})
