import { outputOf } from '../../support/rest-client.ts'
import { describe, expect, vi } from 'vitest'
import { agents } from '../../fixtures/entries/harmful.ts'
import type { CliProcess } from '../../support/cli.ts'
import { entry, isAlive, runCli } from '../../support/cli.ts'
import { childrenOf, descendantsOf } from '../../support/processes.ts'
import type { RestClient } from '../../support/rest-client.ts'
import { test as base } from '../../support/runtime.ts'

// Processes die and others are started instead, on a machine that may be busy.
vi.setConfig({ testTimeout: 240_000 })

interface Scene {
  rest: RestClient
  worker: CliProcess
  create(agentKey: string, params?: Record<string, string>): Promise<string>
  /** The run after its end. */
  ended(id: string): Promise<Record<string, unknown>>
}

/** An API here, and a worker of the command line. */
const test = base.extend<{ scene: Scene }>({
  scene: async ({ createServer, database }, use) => {
    const { rest } = await createServer({ agents, worker: false, config: { maxAttempts: 3 } })
    const env = { DATABASE_URL: database.url, RETRY_DELAY_SECONDS: '0.05', CANCEL_GRACE_SECONDS: '0.2' }
    await using worker = runCli(['worker', entry('harmful')], { cwd: process.cwd(), env })
    await worker.printed(/Working on/)
    await use({
      rest,
      worker,
      async create(agentKey, params) {
        const { body } = await rest.post('runs', { agent_key: agentKey, params })
        return String(body['id'])
      },
      async ended(id) {
        await rest.events(`runs/${id}/events`)
        return (await rest.get(`runs/${id}`)).body
      },
    })
    const processes = [worker.pid, ...childrenOf(worker.pid)]
    worker.kill('SIGTERM')
    await worker.exited
    const left = await Promise.all(processes.map(isAlive))
    if (left.includes(true)) throw new Error('processes were left behind')
  },
})

async function startHealthy({ rest, create }: Scene, count: number): Promise<string[]> {
  const ids = await Promise.all(Array.from({ length: count }, () => create('healthy')))
  for (const id of ids) await (await rest.stream(`runs/${id}/events`)).until('assistant.message')
  return ids
}

describe('an error that nobody caught', () => {
  test.for(['rejects', 'throws'])(
    'of a run that %s where it does not wait fails that run, and no process',
    async (how, { scene }) => {
      const processes = childrenOf(scene.worker.pid)
      const neighbours = await startHealthy(scene, 2)
      const careless = await scene.ended(await scene.create('careless', { how }))
      expect(careless).toMatchObject({ status: 'failed', attempt: 3, error: { type: 'agent_error' } })
      for (const id of neighbours) {
        expect(await scene.ended(id)).toMatchObject({ status: 'succeeded', attempt: 1 })
      }
      expect(childrenOf(scene.worker.pid)).toEqual(processes)
    },
  )

  test('of no run drains the process and charges nobody, until it comes of a run that is alone', async ({
    scene,
    database,
  }) => {
    const neighbours = await startHealthy(scene, 2)
    const indirect = await scene.ended(await scene.create('indirect'))
    expect(indirect).toMatchObject({ status: 'failed', error: { type: 'worker_lost' }, attempt: 3 })
    for (const id of neighbours) expect(await scene.ended(id)).toMatchObject({ status: 'succeeded' })
    expect(
      await database.sql(`SELECT DISTINCT failures FROM agent_runtime.run WHERE agent_key = 'healthy'`),
    ).toEqual([{ failures: 0 }])
  })
})

describe('a run that kills its process', () => {
  test('is found out alone, within its attempts, and those it took along are charged nothing', async ({
    scene,
    database,
  }) => {
    const neighbours = await startHealthy(scene, 5)
    const killer = await scene.ended(await scene.create('killer'))
    expect(killer).toMatchObject({ status: 'failed', error: { type: 'worker_lost' }, attempt: 3 })
    for (const id of neighbours) expect(await scene.ended(id)).toMatchObject({ status: 'succeeded' })
    expect(
      await database.sql(
        `SELECT DISTINCT failures, losses FROM agent_runtime.run WHERE agent_key = 'healthy'`,
      ),
    ).toEqual([{ failures: 0, losses: 2 }])
  })
})

describe('an agent that asks for isolation', () => {
  test('has each run in a process of its own, which ends with it', async ({ scene }) => {
    const ids = [await scene.create('apart'), await scene.create('apart')]
    const pids: number[] = []
    for (const id of ids) {
      const run = await scene.ended(id)
      expect(run).toMatchObject({ status: 'succeeded', attempt: 1 })
      pids.push((outputOf(run) as { pid: number }).pid)
    }
    expect(new Set([...pids, ...childrenOf(scene.worker.pid)]).size).toBe(3)
    await expect.poll(() => Promise.all(pids.map(isAlive))).toEqual([false, false])
  })
})

describe('processes that isolated runs block', () => {
  test('do not hold the places of others', async ({ scene, database }) => {
    // As many as there are places.
    const blocking = await Promise.all(Array.from({ length: 4 }, () => scene.create('blocking-apart')))
    await Promise.all(
      blocking.map(async (id) => (await scene.rest.stream(`runs/${id}/events`)).until('assistant.message')),
    )
    expect(await scene.ended(await scene.create('apart'))).toMatchObject({ status: 'succeeded' })
    // Nobody had to be killed for it. On a machine that is slow they may have been before or since.
    const killedForIt = await database.sql(
      `SELECT e.run_id FROM agent_runtime.event e
       JOIN agent_runtime.run r ON r.agent_key = 'apart' AND e.ts BETWEEN r.created_at AND r.started_at
       WHERE e.run_id = ANY ($1::uuid[]) AND e.type = 'run.retrying'`,
      [blocking],
    )
    expect(killedForIt).toEqual([])
    const processes = descendantsOf(scene.worker.pid)
    scene.worker.kill('SIGTERM')
    await scene.worker.exited
    expect(new Set(await Promise.all(processes.map(isAlive)))).toEqual(new Set([false]))
    for (const id of blocking) await scene.rest.post(`runs/${id}/cancel`)
  })
})

describe('a worker that an agent blocks', () => {
  test('ends within seconds of SIGTERM', async ({ scene }) => {
    const id = await scene.create('blocking')
    await (await scene.rest.stream(`runs/${id}/events`)).until('assistant.message')
    const processes = childrenOf(scene.worker.pid)
    scene.worker.kill('SIGTERM')
    await scene.worker.exited
    expect(await Promise.all(processes.map(isAlive))).toEqual([false])
    await scene.rest.post(`runs/${id}/cancel`)
  })
})
