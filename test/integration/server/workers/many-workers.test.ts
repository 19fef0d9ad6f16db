import { randomUUID } from 'node:crypto'
import { describe, expect, vi } from 'vitest'
import { defineAgent } from '../../../../server/index.ts'
import { createHeldAgent } from '../../../support/held-agent.ts'
import { recordStatements } from '../../../support/record-statements.ts'
import { test } from '../../../support/runtime.ts'

const quick = defineAgent({ key: 'quick', run: async () => {} })

/** Calls of pg-boss' statement that takes deliveries. */
const TAKES = 'FOR UPDATE OF j SKIP LOCKED'

/** A statement that each process sends twice a second. */
const LOOKS_FOR_UPKEEP = '"absentWorkerIds"'

describe('of many workers', () => {
  test('about one looks for a run that is queued', async ({ createServer }) => {
    const config = { databasePoolSize: 2 }
    const servers = await Promise.all(
      Array.from({ length: 8 }, () => createServer({ agents: [quick], config })),
    )
    const api = await createServer({ agents: [quick], config, worker: false })
    const statements = recordStatements()
    const RUNS = 20
    // New workers do not know each other for a moment.
    await vi.waitFor(async () => {
      const before = statements.countOf(TAKES)
      for (let run = 0; run < RUNS; run += 1) {
        await api.rest.events(`runs/${await api.rest.create('quick')}/events`)
      }
      expect(statements.countOf(TAKES) - before).toBeLessThan(2 * RUNS)
    })
    expect(servers).toHaveLength(8)
  })

  test('each takes its share of runs that come at once', async ({ createServer }) => {
    const held = [createHeldAgent(), createHeldAgent(), createHeldAgent()]
    const servers = []
    for (const { agent } of held) servers.push(await createServer({ agents: [agent] }))
    const [first] = servers
    const runs: string[] = []
    await vi.waitFor(async () => {
      const more = Array.from({ length: 4 }, () => first?.rest.create('held') as Promise<string>)
      runs.push(...(await Promise.all(more)))
      for (const { started } of held) expect(started).toBeGreaterThan(2)
    })
    for (const { release } of held) release()
    for (const id of runs) await first?.rest.events(`runs/${id}/events`)
  })

  test('those that are there look when those that come first do not answer', async ({
    createServer,
    database,
  }) => {
    const listener = await database.connect()
    await listener.query('LISTEN agent_runtime')
    const heard: Record<string, unknown>[][] = []
    listener.on('notification', ({ payload = '' }) =>
      heard.push(JSON.parse(payload) as Record<string, unknown>[]),
    )
    const { rest } = await createServer({ agents: [quick] })
    const announced = await vi.waitFor(() => {
      // Alone in its message, since older versions ignore the whole message.
      const hints = heard.find(([hint]) => hint?.['kind'] === 'worker')
      expect(hints).toHaveLength(1)
      return hints?.[0]
    })
    const dead = Array.from({ length: 40 }, () => ({ ...announced, workerId: randomUUID() }))
    for (const hint of dead) {
      await database.sql(`SELECT pg_notify('agent_runtime', $1)`, [JSON.stringify([hint])])
    }
    for (let run = 0; run < 10; run += 1) {
      await rest.events(`runs/${await rest.create('quick')}/events`)
    }
  })

  test('one that stops leaves its share to the others at once', async ({ createServer }) => {
    const staying = await createServer({ agents: [quick] })
    const leaving = await createServer({ agents: [quick] })
    await staying.rest.events(`runs/${await staying.rest.create('quick')}/events`)
    await leaving.runtime.stop()
    const statements = recordStatements()
    for (let run = 0; run < 10; run += 1) {
      await staying.rest.events(`runs/${await staying.rest.create('quick')}/events`)
    }
    expect(statements.countOf(TAKES)).toBeLessThan(20)
  })
})

test('a worker that has nothing to do asks for all its agents in one statement', async ({ createServer }) => {
  const agents = Array.from({ length: 50 }, (_, index) => ({ ...quick, key: `quick-${index}` }))
  const config = { queuePollIntervalSeconds: 0.1 }
  const { rest } = await createServer({ agents, config })
  await rest.events(`runs/${await rest.create('quick-7')}/events`)
  const statements = recordStatements()
  await vi.waitFor(() => expect(statements.countOf(LOOKS_FOR_UPKEEP)).toBeGreaterThan(4))
  // About 25 polls, and the other work of an idle process.
  expect(statements.count).toBeLessThan(100)
})

test('hints that come to nothing keep neither workers nor the database busy', async ({
  createServer,
  database,
}) => {
  const { rest } = await createServer({ agents: [quick] })
  await rest.events(`runs/${await rest.create('quick')}/events`)
  const statements = recordStatements()
  for (let count = 0; count < 300; count += 1) {
    const runs = count % 2 === 0 ? undefined : [{ runId: randomUUID(), seq: 0 }]
    const hint = { kind: 'queued', agentKey: 'quick', runs }
    await database.sql(`SELECT pg_notify('agent_runtime', $1)`, [JSON.stringify([hint])])
  }
  await rest.events(`runs/${await rest.create('quick')}/events`)
  expect(statements.countOf(TAKES)).toBeLessThan(60)
})

test('hints for one agent do not keep a worker from polling for another', async ({
  createServer,
  database,
}) => {
  const later = defineAgent({ key: 'later', run: async () => {} })
  const config = { queuePollIntervalSeconds: 0.3 }
  const { rest } = await createServer({ agents: [quick, later], config })
  const id = await rest.create('later', { run_at: new Date(Date.now() + 500).toISOString() })
  const hint = JSON.stringify([{ kind: 'queued', agentKey: 'quick' }])
  const [deadline] = await database.sql<{ at: Date }>(`SELECT now() + interval '10 seconds' AS at`)
  for (let status: unknown; status !== 'succeeded';) {
    const [told] = await database.sql<{ isLate: boolean }>(
      `SELECT pg_notify('agent_runtime', $1), now() > $2 AS "isLate"`,
      [hint, deadline?.at],
    )
    expect(told?.isLate).toBe(false)
    status = (await rest.get(`runs/${id}`)).body['status']
  }
})
