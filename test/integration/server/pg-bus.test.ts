import pg from 'pg'
import { describe, expect, vi } from 'vitest'
import { createPgBus } from '../../../server/adapters/pg-bus.ts'
import type { EventBus, Hint } from '../../../server/ports.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { test as base } from '../../support/runtime.ts'
import { createSilentLogger } from '../../support/silent-logger.ts'

interface TestBus {
  bus: EventBus
  clock: ManualClock
  hints: Hint[]
  resyncs(): number
  log: ReturnType<typeof createSilentLogger>
}

const LISTENERS = `FROM pg_stat_activity
  WHERE datname = current_database() AND application_name = 'agent-runtime listen'`

const test = base.extend<{ createBus: () => TestBus }>({
  createBus: async ({ database }, use) => {
    const pool = new pg.Pool({ connectionString: database.url, application_name: 'test' })
    await use(() => {
      const clock = new ManualClock()
      const log = createSilentLogger()
      const bus = createPgBus({ databaseUrl: database.url, pool, clock, log })
      const hints: Hint[] = []
      let resyncs = 0
      bus.subscribe({ onHint: (hint) => hints.push(hint), onResync: () => (resyncs += 1) })
      return { bus, clock, hints, resyncs: () => resyncs, log }
    })
    await pool.end()
    await vi.waitFor(async () => {
      const left = await database.sql(`SELECT pid, query ${LISTENERS}`)
      if (left.length > 0) throw new Error(`connections were left behind: ${JSON.stringify(left)}`)
    })
  },
})

describe('hints over PostgreSQL', () => {
  test('arrive in every process, the sender’s own too', async ({ createBus }) => {
    const [here, there] = [createBus(), createBus()]
    await Promise.all([here.bus.start(), there.bus.start()])
    const sent: Hint[] = [
      { kind: 'events', runId: 'r', seq: 7 },
      { kind: 'cancel', runId: 'r' },
      { kind: 'queued', agentKey: 'a "quoted" key' },
    ]
    here.bus.publish(sent)
    for (const { hints } of [here, there]) await vi.waitFor(() => expect(hints).toEqual(sent))
    await Promise.all([here.bus.stop(), there.bus.stop()])
  })

  test('of one run are as one, the newest; many runs fit into few notifications', async ({ createBus }) => {
    const { bus, hints } = createBus()
    await bus.start()
    for (let seq = 1; seq <= 50; seq += 1) {
      bus.publish(
        Array.from({ length: 200 }, (_, run): Hint => ({ kind: 'events', runId: `run-${run}`, seq })),
      )
    }
    await vi.waitFor(() => {
      const newest = hints.filter((hint) => hint.kind === 'events' && hint.seq === 50)
      expect(newest).toHaveLength(200)
    })
    expect(hints.length).toBeLessThan(1_000)
    await bus.stop()
  })

  test('that are not ours are ignored', async ({ createBus, database }) => {
    const { bus, hints, log } = createBus()
    await bus.start()
    for (const payload of ['', 'hello', '{}', '[{"kind":"unknown"}]', '[{"kind":"events","runId":1}]']) {
      await database.sql(`SELECT pg_notify('agent_runtime', $1)`, [payload])
    }
    bus.publish([{ kind: 'cancel', runId: 'r' }])
    await vi.waitFor(() => expect(hints).toEqual([{ kind: 'cancel', runId: 'r' }]))
    expect(log.entries.map(({ level }) => level)).toEqual(Array.from({ length: 5 }, () => 'debug'))
    await bus.stop()
  })

  test('come again after a break, once everybody was told to look at everything', async ({
    createBus,
    database,
  }) => {
    const { bus, clock, hints, resyncs } = createBus()
    await bus.start()
    expect(resyncs()).toBe(0)
    await database.sql(`SELECT pg_terminate_backend(pid) ${LISTENERS}`)
    await vi.waitFor(() => expect(clock.sleeping).toBe(1))
    bus.publish([{ kind: 'cancel', runId: 'lost' }])
    clock.advance(50)
    await vi.waitFor(() => expect(resyncs()).toBe(1))
    bus.publish([{ kind: 'cancel', runId: 'heard' }])
    await vi.waitFor(() => expect(hints).toContainEqual({ kind: 'cancel', runId: 'heard' }))
    await bus.stop()
  })

  test('stopping while it connects again leaves no connection', async ({ createBus, database }) => {
    for (let turns = 0; turns < 20; turns += 2) {
      const { bus, clock, resyncs } = createBus()
      await bus.start()
      // Its own connection only: one that a stop before left behind has to show in the end.
      await database.sql(`SELECT pg_terminate_backend(pid) ${LISTENERS} ORDER BY backend_start DESC LIMIT 1`)
      await vi.waitFor(() => expect(clock.sleeping).toBe(1))
      clock.advance(50)
      for (let i = 0; i < turns; i += 1) await new Promise((resolve) => setImmediate(resolve))
      const before = resyncs()
      await bus.stop()
      expect(resyncs()).toBe(before)
    }
  })

  test('stopping never waits for a database that does not answer', async ({ createBus, database }) => {
    const { bus, clock } = createBus()
    await bus.start()
    await database.sql(`SELECT pg_terminate_backend(pid) ${LISTENERS}`)
    await vi.waitFor(() => expect(clock.sleeping).toBe(1))
    await bus.stop()
    expect(clock.sleeping).toBe(0)
  })
})
