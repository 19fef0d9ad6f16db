import { describe, expect, test, vi } from 'vitest'
import { createPgBus } from '../../../../server/postgres/bus.ts'
import { systemClock } from '../../../../server/ports/system-clock.ts'
import type { Clock } from '../../../../server/ports/clock.ts'
import type { EventBus } from '../../../../server/ports/event-bus.ts'
import type { Logger } from '../../../../server/ports/logger.ts'
import { startCuttingProxy } from '../../../support/cutting-proxy.ts'
import type { CuttingProxy } from '../../../support/cutting-proxy.ts'
import { createTestDatabase } from '../../../support/database.ts'
import { ManualClock } from '../../../support/manual-clock.ts'
import { createTestPool } from '../../../support/pool.ts'
import { createSilentLogger } from '../../../support/silent-logger.ts'
import { testEventBus } from './conformance.ts'
import type { Backend } from './conformance.ts'

const LISTENERS = `FROM pg_stat_activity
  WHERE datname = current_database() AND application_name = 'agent-runtime listen'`

interface PgBackend extends Backend {
  proxy: CuttingProxy
  createBus(log: Logger, clock?: Clock): EventBus
}

/** The network between the buses and PostgreSQL can fail. */
async function createBackend(): Promise<PgBackend> {
  const database = await createTestDatabase()
  const proxy = await startCuttingProxy(Number(new URL(database.url).port))
  const url = new URL(database.url)
  url.port = new URL(proxy.url).port
  const pool = createTestPool(url.href)
  const admin = createTestPool(database.url)
  return {
    proxy,
    createBus: (log, clock = systemClock) => createPgBus({ databaseUrl: url.href, pool, clock, log }),
    async breakListening() {
      await admin.query(`SELECT pg_terminate_backend(pid) ${LISTENERS}`)
    },
    async goAway() {
      proxy.refuse(true)
      proxy.cut()
    },
    async comeBack() {
      proxy.refuse(false)
    },
    async sendForeign(text) {
      await admin.query(`SELECT pg_notify('agent_runtime', $1)`, [text])
    },
    connections: async () => (await admin.query(`SELECT pid ${LISTENERS}`)).rows.length,
    async [Symbol.asyncDispose]() {
      await pool.end()
      await admin.end()
      await proxy[Symbol.asyncDispose]()
      await database.drop()
    },
  }
}

describe('over PostgreSQL', () => {
  testEventBus(createBackend, { carriesEvents: false })

  test('a network that swallows everything is noticed, and another connection made', async () => {
    await using backend = await createBackend()
    const clock = new ManualClock()
    const log = createSilentLogger()
    const bus = backend.createBus(log, clock)
    let resyncs = 0
    bus.subscribe({ onHint() {}, onResync: () => (resyncs += 1) })
    await bus.start()
    backend.proxy.stall()
    await vi.waitFor(() => {
      clock.advance(5_000)
      expect(resyncs).toBe(1)
    })
    expect(log.entries.map(({ message }) => message)).toContain(
      'the listening connection no longer answers; opening another',
    )
    await bus.stop()
  })
})
