import fc from 'fast-check'
import { v7 as uuidv7 } from 'uuid'
import { describe, expect } from 'vitest'
import { initialRunState, reduceRun } from '../../../../client/run-state.ts'
import { readState } from '../../../unit/client/read-state.ts'
import { createTestStore } from '../../../support/store.ts'
import type { AnyRunEvent } from '../../../../server/contract/event.ts'
import type { Visibility } from '../../../../server/contract/visibility.ts'
import type { Store } from '../../../../server/ports/store/store.ts'
import { createTestPool } from '../../../support/pool.ts'
import { test as base } from '../../../support/runtime.ts'
import type { SpokenRun } from './spoken-runs.ts'
import { spokenRun, storeSpokenRuns } from './spoken-runs.ts'

const HOUR_MS = 3_600_000

const test = base.extend<{ store: Store }>({
  store: async ({ database }, use) => {
    const pool = createTestPool(database.url)
    await use(createTestStore(pool))
    await pool.end()
    await database.release()
  },
})

const VIEWERS: readonly Visibility[][] = [['user'], ['user', 'debug'], ['user', 'debug', 'internal']]

/** The view of a viewer after these events, without the list of events itself. */
function viewOf(events: readonly AnyRunEvent[]) {
  const { events: _, lastSeq: __, ...shown } = readState(events.reduce(reduceRun, initialRunState()))
  return shown
}

/** A failing sample is stored again each time it is made smaller. */
function renamed(run: SpokenRun): SpokenRun {
  const id = uuidv7()
  return { ...run, id, events: run.events.map((event) => ({ ...event, runId: id })) }
}

async function compactAll(store: Store): Promise<void> {
  while (!(await store.compactRuns(HOUR_MS)).isDone);
}

describe('compaction', () => {
  // Six hundred runs. Three viewers read each of them from each of its events.
  test(
    'leaves everybody with the same view, whatever they had seen before',
    { timeout: 240_000 },
    async ({ store, database }) => {
      let endedAtMs = Date.now() - 9 * HOUR_MS
      await fc.assert(
        fc.asyncProperty(fc.array(spokenRun, { minLength: 10, maxLength: 10 }), async (sampled) => {
          const runs = sampled.map(renamed)
          await storeSpokenRuns(database.sql, runs, endedAtMs)
          endedAtMs += 1_000
          await compactAll(store)
          for (const { id, events } of runs) {
            const left = await store.readEvents(id, 0, 1_000)
            for (const viewer of VIEWERS) {
              const isShown = (event: AnyRunEvent) => viewer.includes(event.visibility)
              const expected = viewOf(events.filter(isShown))
              for (let cursor = 0; cursor <= events.length; cursor += 1) {
                const seen = [...events.slice(0, cursor), ...left.filter(({ seq }) => seq > cursor)]
                expect(viewOf(seen.filter(isShown)), `from ${cursor} as ${viewer.at(-1)}`).toEqual(expected)
              }
            }
          }
        }),
        { numRuns: 60 },
      )
    },
  )

  test('touches nothing but deltas and pieces of arguments, and nothing it has compacted', async ({
    store,
    database,
  }) => {
    const runs = fc.sample(spokenRun, { numRuns: 100, seed: 1 })
    await storeSpokenRuns(database.sql, runs, Date.now() - 2 * HOUR_MS)
    const others = `SELECT * FROM agent_runtime.event
      WHERE type NOT LIKE '%.delta' AND type <> 'tool.input' ORDER BY run_id, seq`
    const everything = 'SELECT * FROM agent_runtime.event ORDER BY run_id, seq'
    const before = await database.sql(others)
    const lengthBefore = (await database.sql(everything)).length
    await compactAll(store)
    expect(await database.sql(others)).toEqual(before)
    const once = await database.sql(everything)
    expect(once.length).toBeLessThan(lengthBefore)
    await database.sql(`UPDATE agent_runtime.sweep SET at = 'epoch' WHERE name = 'compaction'`)
    await compactAll(store)
    const folded = `SELECT * FROM agent_runtime.event WHERE payload ? 'offset' ORDER BY run_id, seq`
    expect(await database.sql(folded)).toEqual(once.filter(({ payload }) => 'offset' in Object(payload)))
  })

  test('waits until a run has been over for long enough', async ({ store, database }) => {
    const runs = fc.sample(spokenRun, { numRuns: 10, seed: 1 })
    await storeSpokenRuns(database.sql, runs, Date.now() - HOUR_MS + 60_000)
    expect(await store.compactRuns(HOUR_MS)).toEqual({ rows: 0, isDone: true })
    const [count] = await database.sql('SELECT count(*)::int FROM agent_runtime.event')
    expect(count).toEqual({ count: runs.flatMap(({ events }) => events).length })
  })

  test('changes nothing when it fails, and leaves the work to the next process', async ({
    store,
    database,
  }) => {
    const runs = fc.sample(spokenRun, { numRuns: 50, seed: 2 })
    await storeSpokenRuns(database.sql, runs, Date.now() - 2 * HOUR_MS)
    const everything = 'SELECT * FROM agent_runtime.event ORDER BY run_id, seq'
    const before = await database.sql(everything)
    // The watermark moves last, after all other work.
    await database.sql(`
      CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$;
      CREATE TRIGGER die AFTER UPDATE ON agent_runtime.sweep FOR EACH ROW EXECUTE FUNCTION die()`)
    await expect(store.compactRuns(HOUR_MS)).rejects.toThrow(/terminat/)
    await database.sql('DROP TRIGGER die ON agent_runtime.sweep')
    expect(await database.sql(everything)).toEqual(before)
    await compactAll(store)
    expect((await database.sql(everything)).length).toBeLessThan(before.length)
  })

  test('is done by one process at a time', async ({ store, database }) => {
    await storeSpokenRuns(
      database.sql,
      fc.sample(spokenRun, { numRuns: 50, seed: 3 }),
      Date.now() - 2 * HOUR_MS,
    )
    const other = await database.connect()
    await other.query('BEGIN')
    await other.query(`SELECT FROM agent_runtime.sweep WHERE name = 'compaction' FOR UPDATE`)
    expect(await store.compactRuns(HOUR_MS)).toEqual({ rows: 0, isDone: true })
    await other.query('ROLLBACK')
    const results = await Promise.all(Array.from({ length: 4 }, () => store.compactRuns(HOUR_MS)))
    expect(results.filter(({ rows }) => rows > 0)).toHaveLength(1)
  })
})
