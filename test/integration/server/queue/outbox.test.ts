// The outbox with a queue that loses deliveries, at moments that no real queue can be made to have.
import { describe, expect } from 'vitest'
import { defineAgent } from '../../../../server/index.ts'
import type { Settings } from '../../../../server/index.ts'
import { noteEpochs } from '../../../../server/postgres/deliveries/outbox-statements.ts'
import { createOutbox } from '../../../../server/postgres/deliveries/outbox.ts'
import { systemClock } from '../../../../server/ports/system-clock.ts'
import type { DueRun, RemoteQueue } from '../../../../server/ports/queue.ts'
import { createTestPool } from '../../../support/pool.ts'
import { test as base } from '../../../support/runtime.ts'
import { createSilentLogger } from '../../../support/silent-logger.ts'

const agentOf = (key: string) => defineAgent({ key, run: async () => ({ output: null }) })

/** Its servers create runs, and deliver none. */
const AWAY: Settings = { queueBackend: 'redis', redisUrl: 'redis://127.0.0.1:1' }

/** A queue in memory that loses everything when told to. */
function createForgetfulQueue() {
  const runs = new Map<string, DueRun>()
  const hooks = { afterDelivery: async (): Promise<void> => {} }
  let epoch = 1
  const epochs = async (queues: readonly string[]) => new Map(queues.map((name) => [name, String(epoch)]))
  const queue: RemoteQueue = {
    async deliver(delivered) {
      for (const run of delivered) runs.set(run.id, run)
      await hooks.afterDelivery()
      return [...delivered]
    },
    async inspect(queues) {
      return new Map(queues.map((name) => [name, { epoch: String(epoch), deliveries: runs.size }]))
    },
    async renew() {
      epoch += 1
    },
    take: () => Promise.reject(new Error('nobody takes')),
    start: async () => {},
    findDue: async () => [],
    countDue: async () => 0,
    stop: async () => {},
  }
  return {
    queue,
    runs,
    hooks,
    epochs,
    lose() {
      runs.clear()
      epoch += 1
    },
  }
}

const test = base.extend<{ remote: ReturnType<typeof createForgetfulQueue> & { look: Look } }>({
  remote: async ({ database }, use) => {
    const pool = createTestPool(database.url)
    const remote = createForgetfulQueue()
    const outbox = createOutbox({
      pool,
      queue: remote.queue,
      clock: systemClock,
      log: createSilentLogger(),
      onDelivered: () => {},
      stopping: new AbortController().signal,
    })
    await use({ ...remote, look: (queues) => outbox.look(queues) })
    await pool.end()
  },
})

type Look = (queues: readonly string[]) => Promise<void>

describe('the outbox', () => {
  test('keeps what the queue lost before it was confirmed, though the loss is known by then', async ({
    createServer,
    database,
    remote,
  }) => {
    const { rest } = await createServer({ agents: [agentOf('echo')], config: AWAY, worker: false })
    await remote.look(['echo'])
    const runId = await rest.create('echo')
    await database.sql('UPDATE agent_runtime.outbox SET send_at = now()')
    const pool = createTestPool(database.url)
    let losses = 0
    remote.hooks.afterDelivery = async () => {
      if ((losses += 1) > 1) return
      remote.lose()
      // Another process is faster to see it.
      await noteEpochs(pool, await remote.epochs(['echo']), new Map())
    }
    await remote.look(['echo'])
    await remote.look(['echo'])
    await pool.end()
    expect([...remote.runs.keys()]).toEqual([runId])
  })

  test('sends what is due, whatever piles up there of agents that no process has any more', async ({
    createServer,
    database,
    remote,
  }) => {
    const agents = [agentOf('retired'), agentOf('echo')] as const
    const { rest } = await createServer({ agents, config: AWAY, worker: false })
    await Promise.all(Array.from({ length: 501 }, () => rest.create('retired')))
    await database.sql(`UPDATE agent_runtime.outbox SET send_at = now() - interval '1 minute'`)
    const runId = await rest.create('echo')
    await database.sql(`UPDATE agent_runtime.outbox SET send_at = now() WHERE queue = 'echo'`)
    await remote.look(['echo'])
    expect(remote.runs.has(runId)).toBe(true)
    expect(await database.sql('SELECT FROM agent_runtime.outbox')).toEqual([])
  })

  test('is emptied in time that grows with what is in it, though its statistics say that nothing ever is', async ({
    createServer,
    database,
    remote,
  }) => {
    const { runtime } = await createServer({ agents: [agentOf('echo')], config: AWAY, worker: false })
    await runtime.start()
    const fill = (entries: number) =>
      database.sql(
        `INSERT INTO agent_runtime.outbox
         SELECT gen_random_uuid(), 0, 'echo', 0, now() FROM generate_series(1, $1::int)`,
        [entries],
      )
    await fill(20)
    await database.sql('DELETE FROM agent_runtime.outbox')
    await database.sql('ANALYZE agent_runtime.outbox')
    await fill(20_000)
    await remote.look(['echo'])
    expect(await database.sql('SELECT FROM agent_runtime.outbox')).toEqual([])
  })
})
