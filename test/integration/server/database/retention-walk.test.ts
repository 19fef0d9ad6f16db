import { v7 as uuidv7 } from 'uuid'
import { describe, expect, vi } from 'vitest'
import { createRetentionRules } from '../../../../server/domain/retention-rule.ts'
import type { Retention } from '../../../../server/index.ts'
import { systemClock } from '../../../../server/ports/system-clock.ts'
import type { AgeRule, Kept } from '../../../../server/ports/age-rule.ts'
import type { Sql } from '../../../support/runtime.ts'
import { createSilentLogger } from '../../../support/silent-logger.ts'
import { DAY_MS, test, addRuns, idsOf } from './retention-rules-scene.ts'

async function addConversation(sql: Sql, of: { tenantId?: string; agentKey?: string; daysAgo: number }) {
  const id = uuidv7({ msecs: Date.now() - of.daysAgo * DAY_MS })
  await sql(
    `INSERT INTO agent_runtime.conversation (id, tenant_id, owner_id, owner_kind, agent_key)
     VALUES ($1, $2, 'public', 'public', $3)`,
    [id, of.tenantId ?? '', of.agentKey ?? null],
  )
  return id
}

const countOf = async (sql: Sql, tenantId: string) =>
  (await sql(`SELECT FROM agent_runtime.run WHERE tenant_id = $1`, [tenantId])).length

/** As if this much time had passed since the walks began. */
const passDay = (sql: Sql) => sql(`UPDATE agent_runtime.sweep SET begun_at = begun_at - interval '25 hours'`)

/** A rule that gives the days by tenant. */
function ruleOf(days: (of: Kept) => number | null) {
  const keptMs = vi.fn<AgeRule['keptMs']>(async (of) =>
    of.map((one) => {
      const answer = days(one)
      return answer === null ? null : answer * DAY_MS
    }),
  )
  const looked = () => keptMs.mock.calls.reduce((sum, [of]) => sum + of.length, 0)
  return { minMs: DAY_MS, keptMs, looked }
}

/** Takes batches until no work is left. */
async function drain(takeBatch: () => Promise<{ rows: number; isDone: boolean }>): Promise<number[]> {
  const rows: number[] = []
  for (;;) {
    const batch = await takeBatch()
    if (batch.isDone) return rows
    rows.push(batch.rows)
  }
}

describe('retention by tenant and agent', () => {
  test('looks once a day at runs that are kept for good, however many there are', async ({
    store,
    database,
  }) => {
    const { sql } = database
    await addRuns(sql, { tenantId: 'bank', daysAgo: 400, count: 10_000 })
    await addRuns(sql, { tenantId: 'shop', daysAgo: 40, count: 700 })
    const rule = ruleOf(({ tenantId }) => (tenantId === 'bank' ? null : 30))
    const rows = await drain(() => store.deleteRunsByRule(rule))
    // The walk begins, reads 2,000 at once, and deletes at most 500 of them.
    expect(rows).toEqual([0, 0, 0, 0, 0, 0, 500, 200])
    expect(rule.looked()).toBeLessThanOrEqual(10_700 + 2_000)
    expect([await countOf(sql, 'bank'), await countOf(sql, 'shop')]).toEqual([10_000, 0])

    rule.keptMs.mockClear()
    await addRuns(sql, { tenantId: 'shop', daysAgo: 31 })
    expect(await drain(() => store.deleteRunsByRule(rule))).toEqual([1])
    expect(await drain(() => store.deleteRunsByRule(rule))).toEqual([])
    expect(rule.looked()).toBe(1)

    await passDay(sql)
    expect(await drain(() => store.deleteRunsByRule(rule))).toHaveLength(6)
    expect(rule.looked()).toBe(10_001)
  })

  test('takes at most so many events at once', async ({ store, database }) => {
    const { sql } = database
    await addRuns(sql, { daysAgo: 40, count: 8 })
    await sql('UPDATE agent_runtime.run SET last_seq = 2000')
    const rule = ruleOf(() => 30)
    expect(await drain(() => store.deleteRunsByRule(rule))).toEqual([0, 3, 3, 2])
  })

  test('follows a rule that has changed within a day', async ({ store, database }) => {
    const { sql } = database
    const [run = ''] = await addRuns(sql, { daysAgo: 40 })
    let days: number | null = null
    const rule = ruleOf(() => days)
    await drain(() => store.deleteRunsByRule(rule))
    days = 30
    await drain(() => store.deleteRunsByRule(rule))
    expect(await idsOf(sql, 'run')).toEqual([run])
    await passDay(sql)
    expect(await drain(() => store.deleteRunsByRule(rule))).toEqual([0, 1])
    expect(await idsOf(sql, 'run')).toEqual([])
  })

  test('goes by what the rule said a minute ago at most', async ({ store, database }) => {
    await addRuns(database.sql, { tenantId: 'shop', daysAgo: 40, count: 3 })
    let now = 0
    const retention = vi.fn<Retention>(() => null)
    const rule = createRetentionRules(
      { retention, agents: new Map(), defaultDays: 30 },
      {
        timeoutMs: 1_000,
        clock: { ...systemClock, now: () => now },
        log: createSilentLogger(),
        signal: new AbortController().signal,
      },
    ).ageRule()
    if (rule === null) throw new Error('There is a rule.')
    await drain(() => store.deleteRunsByRule(rule))
    await passDay(database.sql)
    await drain(() => store.deleteRunsByRule(rule))
    expect(retention.mock.calls).toEqual([[{ tenantId: 'shop', agentKey: 'plain' }]])
    retention.mockReturnValue(30)
    await passDay(database.sql)
    now += 60_000
    expect(await drain(() => store.deleteRunsByRule(rule))).toEqual([0, 3])
  })

  test('has one of two processes go on that have met the same', async ({ store, others, database }) => {
    const { sql } = database
    await addRuns(sql, { daysAgo: 40, count: 20 })
    await store.deleteRunsByRule(ruleOf(() => 30))
    const [asked, answered] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const late = others.deleteRunsByRule({
      minMs: DAY_MS,
      async keptMs(of) {
        asked.resolve()
        await answered.promise
        return of.map(() => 30 * DAY_MS)
      },
    })
    await asked.promise
    expect(await store.deleteRunsByRule(ruleOf(() => 30))).toEqual({ rows: 20, isDone: false })
    answered.resolve()
    expect(await late).toEqual({ rows: 0, isDone: true })
    expect(await idsOf(sql, 'run')).toEqual([])
  })

  test('goes on where it was when it broke off', async ({ store, others, database }) => {
    const { sql } = database
    await addRuns(sql, { tenantId: 'bank', daysAgo: 400, count: 2_000 })
    const old = await addRuns(sql, { tenantId: 'shop', daysAgo: 40, count: 20 })
    const rule = ruleOf(({ tenantId }) => (tenantId === 'bank' ? null : 30))
    await store.deleteRunsByRule(rule)
    await store.deleteRunsByRule(rule)
    await sql(`
      CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
      CREATE TRIGGER die AFTER DELETE ON agent_runtime.run EXECUTE FUNCTION die()`)
    await expect(store.deleteRunsByRule(rule)).rejects.toThrow(/terminat/)
    await sql('DROP TRIGGER die ON agent_runtime.run')
    expect(await countOf(sql, 'shop')).toBe(old.length)
    rule.keptMs.mockClear()
    expect(await drain(() => others.deleteRunsByRule(rule))).toEqual([old.length])
    expect(rule.looked()).toBe(old.length)
    expect([await countOf(sql, 'bank'), await countOf(sql, 'shop')]).toEqual([2_000, 0])
  })

  test('leaves what another tenant took over while the rule was asked', async ({ store, database }) => {
    const { sql } = database
    const [run = ''] = await addRuns(sql, { tenantId: 'visitors', daysAgo: 40 })
    const conversation = await addConversation(sql, { tenantId: 'visitors', daysAgo: 40 })
    const claimed: AgeRule = {
      minMs: DAY_MS,
      async keptMs(of) {
        await sql(`UPDATE agent_runtime.run SET tenant_id = 'bank'`)
        await sql(`UPDATE agent_runtime.conversation SET tenant_id = 'bank'`)
        return of.map(({ tenantId }) => (tenantId === 'bank' ? null : 30 * DAY_MS))
      },
    }
    expect(await drain(() => store.deleteRunsByRule(claimed))).toEqual([0, 0])
    expect(await drain(() => store.deleteEmptyConversationsByRule(claimed))).toEqual([0, 0])
    expect([await idsOf(sql, 'run'), await idsOf(sql, 'conversation')]).toEqual([[run], [conversation]])
  })

  test('takes a conversation run by run, and with the last of them', async ({ store, database }) => {
    const { sql } = database
    const mixed = await addConversation(sql, { tenantId: 'shop', daysAgo: 50 })
    const whole = await addConversation(sql, { tenantId: 'shop', daysAgo: 50 })
    const of = (agentKey: string, conversationId: string) =>
      addRuns(sql, { tenantId: 'shop', agentKey, daysAgo: 40, conversationId })
    await of('short', mixed)
    const left = await of('kept', mixed)
    await of('short', whole)
    await of('plain', whole)
    const rule = ruleOf(({ agentKey }) => (agentKey === 'kept' ? null : agentKey === 'short' ? 7 : 30))
    await drain(() => store.deleteRunsByRule(rule))
    expect([await idsOf(sql, 'run'), await idsOf(sql, 'conversation')]).toEqual([left, [mixed]])
  })

  test('takes conversations that never had a run by the rule of their agent', async ({ store, database }) => {
    const { sql } = database
    await addConversation(sql, { agentKey: 'short', daysAgo: 10 })
    const left = [
      await addConversation(sql, { agentKey: 'kept', daysAgo: 400 }),
      await addConversation(sql, { daysAgo: 20 }),
      await addConversation(sql, { agentKey: 'short', daysAgo: 5 }),
    ]
    await addConversation(sql, { daysAgo: 40 })
    const rule = ruleOf(({ agentKey }) => (agentKey === 'kept' ? null : agentKey === 'short' ? 7 : 30))
    expect(await drain(() => store.deleteEmptyConversationsByRule(rule))).toEqual([0, 2])
    expect(await idsOf(sql, 'conversation')).toEqual(left.toSorted())
    expect(rule.keptMs.mock.calls.flat(2)).toContainEqual(expect.objectContaining({ agentKey: null }))

    rule.keptMs.mockClear()
    expect(await drain(() => store.deleteEmptyConversationsByRule(rule))).toEqual([])
    expect(rule.looked()).toBe(0)
  })

  test('looks again at what a rule had kept when there is no rule any more', async ({ store, database }) => {
    const { sql } = database
    await addConversation(sql, { agentKey: 'kept', daysAgo: 400 })
    await drain(() => store.deleteEmptyConversationsByRule(ruleOf(() => null)))
    expect(await idsOf(sql, 'conversation')).toHaveLength(1)
    expect(await drain(() => store.deleteEmptyConversations(30 * DAY_MS))).toEqual([1])
    expect(await idsOf(sql, 'conversation')).toEqual([])
  })

  test('looks again at all that was looked at when there was no rule', async ({ store, database }) => {
    const { sql } = database
    const conversation = await addConversation(sql, { agentKey: 'short', daysAgo: 40 })
    await addRuns(sql, { daysAgo: 40, conversationId: conversation })
    await drain(() => store.deleteEmptyConversations(30 * DAY_MS))
    await sql('DELETE FROM agent_runtime.event')
    await sql('DELETE FROM agent_runtime.run')
    expect(await drain(() => store.deleteEmptyConversationsByRule(ruleOf(() => 7)))).toEqual([0, 1])
    expect(await idsOf(sql, 'conversation')).toEqual([])
  })
})
