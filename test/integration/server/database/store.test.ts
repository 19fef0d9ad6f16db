import fc from 'fast-check'
import { v7 as uuidv7 } from 'uuid'
import { describe, expect } from 'vitest'
import { backoffMs } from '../../../../server/lifecycle/backoff.ts'
import type { Store } from '../../../../server/ports/store/store.ts'
import { test as base } from '../../../support/runtime.ts'
import { claim, createTestStore } from '../../../support/store.ts'
import { createTestPool } from '../../../support/pool.ts'
import { newRun } from '../../../support/new-run.ts'
import { MAX_ATTEMPTS, OWNER, Twins, step } from './store-twins.ts'

const test = base.extend<{ store: Store }>({
  store: async ({ database }, use) => {
    const pool = createTestPool(database.url)
    await use(createTestStore(pool))
    await pool.end()
    // No queue has these runs.
    await database.sql('TRUNCATE agent_runtime.run, agent_runtime.event CASCADE')
  },
})

async function createRun(store: Store): Promise<string> {
  const id = uuidv7()
  await store.createRuns([newRun({ id, maxAttempts: MAX_ATTEMPTS })])
  return id
}

describe('the store', () => {
  test('does what its model in memory does, step by step', async ({ store, database }) => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
        const id = await createRun(store)
        const twins = new Twins(store, id)
        await claim(store, [id], { workerId: twins.workerId })
        for (const each of steps) {
          const [expected, actual] = await twins.take(each, database.sql)
          expect(actual).toEqual(expected)
        }
        for (const [expected, actual] of [await twins.events(), await twins.steps()]) {
          expect(actual).toEqual(expected)
        }
      }),
      { numRuns: 150 },
    )
  })

  test('charges no run for a worker that lost its runs one by one', async ({ store, database }) => {
    const ids = [await createRun(store), await createRun(store)]
    await claim(store, ids)
    for (const id of ids) {
      await database.sql(
        `UPDATE agent_runtime.run SET lease_expires_at = now() - interval '1 second' WHERE id = $1`,
        [id],
      )
      expect(await store.recoverRuns([])).toMatchObject([{ id, status: 'queued' }])
    }
    expect(await database.sql('SELECT DISTINCT failures, losses FROM agent_runtime.run')).toEqual([
      { failures: 0, losses: 1 },
    ])
    // This time the worker has only this run, so the loss counts as the run's own failure.
    await claim(store, ids.slice(0, 1), { workerId: 'another', ttlMs: -1_000 })
    await store.recoverRuns([])
    expect(await database.sql('SELECT failures FROM agent_runtime.run WHERE id = $1', [ids[0]])).toEqual([
      { failures: 2 },
    ])
  })

  test('writes what it can of a batch, each run on its own', async ({ store, database }) => {
    const ids = await Promise.all(Array.from({ length: 4 }, () => createRun(store)))
    await claim(store, ids)
    const [good, stale, cancelled, gone] = ids as [string, string, string, string]
    await store.requestCancel(OWNER, cancelled)
    await database.sql('DELETE FROM agent_runtime.event WHERE run_id = $1', [gone])
    await database.sql('DELETE FROM agent_runtime.run WHERE id = $1', [gone])
    const event = {
      seq: 2,
      type: 'run.succeeded',
      visibility: 'user' as const,
      payload: '{}',
      ts: new Date().toISOString(),
    }
    const ending = { status: 'succeeded' as const, output: null, error: null, messages: [] }
    const append = (runId: string, attempt: number) => ({
      runId,
      attempt,
      baseSeq: 1,
      events: [event],
      ending,
    })
    const outcomes = await store.append([
      append(good, 1),
      append(stale, 0),
      append(cancelled, 1),
      append(gone, 1),
    ])
    expect([...outcomes]).toEqual(
      expect.arrayContaining([
        [good, 'written'],
        [stale, 'fenced'],
        [cancelled, 'cancel-requested'],
        [gone, 'fenced'],
      ]),
    )
  })

  test('an attempt that was lost is followed by another as one that failed is', async ({ database }) => {
    const pool = createTestPool(database.url)
    const policy = { delayMs: 20_000, maxDelayMs: 60_000 }
    const store = createTestStore(pool, 'user', policy)
    const id = uuidv7()
    await store.createRuns([newRun({ id, maxAttempts: 10 })])
    const delays: number[] = []
    for (let lost = 1; lost <= 6; lost += 1) {
      await database.sql(`UPDATE agent_runtime.run SET run_at = now() WHERE id = '${id}'`)
      expect((await claim(store, [id], { workerId: `w${lost}`, ttlMs: -1 })).claimed).toHaveLength(1)
      await store.recoverRuns([])
      const [event] = await database.sql(
        `SELECT (payload -> 'delayMs')::int AS ms FROM agent_runtime.event
         WHERE run_id = '${id}' AND type = 'run.retrying' ORDER BY seq DESC LIMIT 1`,
      )
      delays.push(Number(event?.['ms']))
    }
    await store.close()
    await pool.end()
    // No queue had it.
    await database.sql('TRUNCATE agent_runtime.run, agent_runtime.event CASCADE')
    // The first loss is repaired at once. Each further delay is within the bounds of the jitter.
    const [first, ...others] = delays
    expect(first).toBe(0)
    others.forEach((delay, index) => {
      expect(delay).toBeGreaterThanOrEqual(backoffMs(index + 1, 0, policy))
      expect(delay).toBeLessThanOrEqual(backoffMs(index + 1, 1, policy))
    })
  })

  test('a run is claimed by one worker only, however many ask at once', async ({ store }) => {
    const ids = await Promise.all(Array.from({ length: 20 }, () => createRun(store)))
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        claim(store, index % 2 === 0 ? ids : ids.toReversed(), { workerId: `w${index}` }),
      ),
    )
    const claimed = answers.flatMap((answer) => answer.claimed.map(({ id }) => id))
    expect(claimed.toSorted()).toEqual(ids.toSorted())
  })

  test('only the holder of a lease renews it', async ({ store }) => {
    const [held, lost, over] = [await createRun(store), await createRun(store), await createRun(store)]
    await claim(store, [held, lost, over])
    await store.requestCancel(OWNER, held)
    const event = {
      seq: 2,
      type: 'run.failed',
      visibility: 'user' as const,
      payload: '{}',
      ts: new Date().toISOString(),
    }
    const ending = { status: 'failed' as const, output: null, error: { message: '', code: '' }, messages: [] }
    await store.append([{ runId: over, attempt: 1, baseSeq: 1, events: [event], ending }])
    const asked = [
      { id: held, attempt: 1 },
      { id: lost, attempt: 0 },
      { id: over, attempt: 1 },
    ]
    expect(await store.renewLeases(asked, 60_000)).toEqual([{ id: held, cancelRequested: true, sent: 0 }])
  })

  test('a turn is given whatever the number of conversations whose turn has not come', async ({
    store,
    database,
  }) => {
    // One more than one look reads.
    const conversationIds = Array.from({ length: 501 }, () => uuidv7()).toSorted()
    await database.sql(
      `INSERT INTO agent_runtime.conversation (id, owner_id) SELECT id, $2 FROM unnest($1::uuid[]) AS c (id)`,
      [conversationIds, OWNER.id],
    )
    const inEach = () => conversationIds.map((conversationId) => newRun({ conversationId }))
    const [first, second] = [inEach(), inEach()]
    await store.createRuns(first)
    await store.createRuns(second)
    const look = async () => (await store.findUpkeep(0))?.freeConversationIds
    const looks = async () => [await look(), await look()].flat()
    expect(await looks()).toEqual([])
    await store.requestCancel(OWNER, first.at(-1)?.id ?? '')
    const found = await looks()
    expect(found).toEqual([conversationIds.at(-1)])
    const turns = { conversationIds, ifLocked: 'wait' as const }
    const given = await store.giveTurns(turns)
    expect(given.map(({ id }) => id)).toEqual([second.at(-1)?.id])
    expect(await looks()).toEqual([])
  })

  test('a look for upkeep does for all processes for a while', async ({ store }) => {
    const looks = await Promise.all(Array.from({ length: 8 }, () => store.findUpkeep(60_000)))
    expect(looks.filter((look) => look !== null)).toHaveLength(1)
    expect(await store.findUpkeep(60_000)).toBeNull()
    expect(await store.findUpkeep(0)).toEqual({
      absentWorkerIds: [],
      hasExpiredLease: false,
      hasExpiredRun: false,
      hasFamilyNews: false,
      hasLeftMessages: false,
      hasParkedRun: false,
      hasDueSchedule: false,
      freeConversationIds: [],
    })
  })
})
