import { describe, expect, vi } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../../../../server/index.ts'
import { createHeldAgent } from '../../../support/held-agent.ts'
import { startPgBouncer, withoutPgBouncer } from '../../../support/pgbouncer.ts'
import { test } from '../../../support/runtime.ts'

const talker = defineAgent({
  key: 'talker',
  events: { word: { schema: z.number() } },
  async run(ctx) {
    for (const word of [1, 2, 3]) await ctx.emit('word', word)
    return { output: 'done' }
  },
})

const LISTENERS = `SELECT pid FROM pg_stat_activity
  WHERE datname = current_database() AND application_name = 'agent-runtime listen'`
const PRESENCE_LOCKS = `SELECT a.state FROM pg_locks l JOIN pg_stat_activity a USING (pid)
  WHERE l.locktype = 'advisory' AND l.mode = 'ShareLock' AND a.datname = current_database()`

/** Settings that a PgBouncer before 1.21 needs. Distributions ship such versions. */
const settings = { preparedStatements: false, queuePollIntervalSeconds: 0.1, streamPollIntervalSeconds: 0.1 }

describe.skipIf(withoutPgBouncer)(
  `behind a transaction pooler${withoutPgBouncer ? `: skipped, ${withoutPgBouncer}` : ''}`,
  () => {
    test('runs are executed and followed by polling alone, and the log says why', async ({
      createServer,
      database,
    }) => {
      await using pooler = await startPgBouncer(database.url)
      const config = { ...settings, databaseUrl: pooler.url }
      const { rest, log, runtime } = await createServer({ agents: [talker], config })
      const id = await rest.create('talker')
      const events = await rest.events(`runs/${id}/events`)
      expect(events.map(({ payload }) => payload)).toEqual([{}, 1, 2, 3, {}])
      expect(log.filter(({ level }) => level === 'warn').map(({ message }) => message)).toEqual([
        expect.stringContaining('Set DIRECT_URL'),
      ])
      await runtime.stop()
    })

    test('with a direct URL, hints arrive as ever', async ({ createServer, database }) => {
      await using pooler = await startPgBouncer(database.url)
      const config = {
        ...settings,
        databaseUrl: pooler.url,
        directUrl: database.url,
        queuePollIntervalSeconds: 600,
        streamPollIntervalSeconds: 600,
      }
      const { rest, log, runtime } = await createServer({ agents: [talker], config })
      const id = await rest.create('talker')
      const events = await rest.events(`runs/${id}/events`)
      expect(events.map(({ payload }) => payload)).toEqual([{}, 1, 2, 3, {}])
      expect(await database.sql(LISTENERS)).toHaveLength(1)
      expect(log.filter(({ level }) => level === 'warn')).toEqual([])
      await runtime.stop()
    })

    test('a worker is there for as long as it lives, and no longer', async ({ createServer, database }) => {
      const name = new URL(database.url).pathname.slice(1)
      await database.sql(`ALTER DATABASE ${name} SET idle_in_transaction_session_timeout = '200ms'`)
      await using pooler = await startPgBouncer(database.url)
      const held = createHeldAgent()
      const config = { ...settings, databaseUrl: pooler.url }
      const { rest, runtime } = await createServer({ agents: [held.agent], config })
      await rest.create('held')
      await held.attempt(0)
      const other = await database.connect()
      const timedOut = new Promise((resolve) => other.on('error', resolve))
      await other.query('BEGIN')
      await timedOut
      // The other transaction is younger than the worker's, and was idle for too long.
      expect(await database.sql(PRESENCE_LOCKS)).toEqual([{ state: 'idle in transaction' }])
      held.release()
      await runtime.stop()
      await vi.waitFor(async () => expect(await database.sql(PRESENCE_LOCKS)).toEqual([]))
    })
  },
)
