import { describe, expect, vi } from 'vitest'
import { createRetentionRules } from '../../../../server/domain/retention-rule.ts'
import type { Retention } from '../../../../server/index.ts'
import { defineAgent } from '../../../../server/index.ts'
import { systemClock } from '../../../../server/ports/system-clock.ts'
import { createSilentLogger } from '../../../support/silent-logger.ts'
import { test, addRuns, idsOf } from './retention-rules-scene.ts'

const short = defineAgent({ key: 'short', retentionDays: 7, run: async () => {} })
const plain = defineAgent({ key: 'plain', run: async () => {} })
const kept = defineAgent({ key: 'kept', retentionDays: false, run: async () => {} })
const agents = [short, plain, kept] as const

describe('retention by tenant and agent', () => {
  test('goes by the rule, then the agent, then the setting', async ({ createServer, database }) => {
    const { sql } = database
    const of = (tenantId: string, agentKey: string, daysAgo: number) =>
      addRuns(sql, { tenantId, agentKey, daysAgo })
    const gone = [
      ...(await of('shop', 'short', 8)),
      ...(await of('shop', 'plain', 40)),
      ...(await of('news', 'short', 4)),
      ...(await of('news', 'kept', 4)),
      // A run of an agent that no longer exists.
      ...(await of('shop', 'former', 40)),
    ]
    const left = [
      ...(await of('shop', 'short', 6)),
      ...(await of('shop', 'plain', 8)),
      ...(await of('shop', 'kept', 4_000)),
      ...(await of('news', 'short', 2)),
      ...(await of('bank', 'short', 4_000)),
      ...(await of('bank', 'plain', 4_000)),
    ]
    const retention: Retention = async ({ tenantId }) =>
      tenantId === 'bank' ? null : tenantId === 'news' ? 3 : undefined
    const options = { agents, worker: false, retention, config: { retentionDays: 30 } }
    const servers = await Promise.all([createServer(options), createServer(options)])
    await Promise.all(servers.map(({ runtime }) => runtime.start()))
    await expect.poll(() => idsOf(sql, 'run')).toEqual(left.toSorted())
    expect(await sql('SELECT FROM agent_runtime.event WHERE run_id = ANY ($1::uuid[])', [gone])).toEqual([])
    expect(
      servers.flatMap(({ log }) => log.filter(({ level }) => level !== 'info' && level !== 'debug')),
    ).toEqual([])
  })

  test('needs neither a setting nor a rule where an agent says so', async ({ createServer, database }) => {
    const { sql } = database
    await addRuns(sql, { agentKey: 'short', daysAgo: 8 })
    const left = await addRuns(sql, { agentKey: 'plain', daysAgo: 4_000 })
    const { runtime } = await createServer({ agents, worker: false })
    await runtime.start()
    await expect.poll(() => idsOf(sql, 'run')).toEqual(left)
    const daysOf = (agentKey: 'short' | 'plain' | 'kept') => runtime.keptDays({ tenantId: '', agentKey })
    expect([await daysOf('short'), await daysOf('plain'), await daysOf('kept')]).toEqual([7, null, null])
  })

  const WRONG: readonly (readonly [string, () => unknown])[] = [
    ['false', () => false],
    ['true', () => true],
    ['an object', () => ({})],
    ['text', () => '30'],
    ['no number', () => Number.NaN],
    ['less than nothing', () => -1],
    ['zero', () => 0],
    ['infinity', () => Number.POSITIVE_INFINITY],
    [
      'a thrown error',
      () => {
        throw new Error('10.1.2.3 is down')
      },
    ],
    [
      'nothing an error is made of',
      () => {
        throw undefined
      },
    ],
    [
      'a rejection',
      async () => {
        throw new Error('10.1.2.3 is down')
      },
    ],
    ['nothing, ever', () => new Promise(() => {})],
    ['a promise of false', async () => false],
    [
      'what can not be looked at',
      () =>
        new Proxy(
          {},
          {
            get() {
              throw new Error('No.')
            },
          },
        ),
    ],
  ]

  test.for(WRONG)(
    'keeps all where the rule answers with %s, and deletes of others',
    async ([, answer], { createServer, database }) => {
      const { sql } = database
      await addRuns(sql, { tenantId: 'shop', daysAgo: 10, count: 3 })
      const left = [
        ...(await addRuns(sql, { tenantId: 'odd', daysAgo: 40, count: 3 })),
        ...(await addRuns(sql, { tenantId: 'odd', daysAgo: 20 })),
        ...(await addRuns(sql, { tenantId: 'odd', agentKey: 'kept', daysAgo: 40 })),
        ...(await addRuns(sql, { tenantId: 'shop', daysAgo: 5 })),
      ]
      const retention = (({ tenantId }) => (tenantId === 'odd' ? answer() : 7)) as Retention
      const { runtime, log } = await createServer({
        agents,
        worker: false,
        retention,
        config: { retentionDays: 30, retentionTimeoutSeconds: 0.05 },
      })
      await runtime.start()
      await expect.poll(() => idsOf(sql, 'run')).toEqual(left.toSorted())
      // Two agents of one tenant.
      expect(log.filter(({ level }) => level === 'error')).toMatchObject([
        { fields: { tenantId: 'odd', others: 1 } },
      ])
    },
  )

  test('deletes nothing by a rule that has not answered when the runtime stops', async ({
    createServer,
    database,
  }) => {
    const { sql } = database
    const left = await addRuns(sql, { daysAgo: 40 })
    const asked = Promise.withResolvers<void>()
    const retention: Retention = () => {
      asked.resolve()
      return new Promise(() => {})
    }
    const config = { retentionDays: 30, retentionTimeoutSeconds: 600 }
    const { runtime, log } = await createServer({ agents, worker: false, retention, config })
    await runtime.start()
    await asked.promise
    await runtime.stop()
    expect(await idsOf(sql, 'run')).toEqual(left)
    expect(log.filter(({ level }) => level === 'error' || level === 'warn')).toEqual([])
  })

  test('says once of ten thousand tenants that they can not be told', async () => {
    const log = createSilentLogger()
    const retention = vi.fn<Retention>(() => {
      throw new Error('No.')
    })
    const { signal } = new AbortController()
    const rule = createRetentionRules(
      { retention, agents: new Map(), defaultDays: 30 },
      { timeoutMs: 1_000, clock: systemClock, log, signal },
    ).ageRule()
    const met = Array.from({ length: 10_000 }, (_, index) => ({ tenantId: `${index}`, agentKey: 'a' }))
    expect(await rule?.keptMs([...met, ...met])).toEqual(Array(20_000).fill(null))
    expect(retention).toHaveBeenCalledTimes(10_000)
    expect(log.entries).toMatchObject([{ level: 'error', fields: { tenantId: '0', others: 9_999 } }])
  })
})
