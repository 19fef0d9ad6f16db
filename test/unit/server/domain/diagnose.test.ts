import { describe, expect, test } from 'vitest'
import { diagnose } from '../../../../server/domain/doctor/diagnose.ts'
import type { Examination } from '../../../../server/ports/examination.ts'

type Examined = Extract<Examination, { state: 'examined' }>

const NOW = Date.parse('2030-01-10T12:00:00Z')
const none = { total: 0, listed: [] }
const runs = {
  overdue: none,
  expiredLeases: none,
  abandoned: none,
  undelivered: none,
  unsent: none,
  cancelsPending: none,
  suspect: none,
  workerLost: none,
  waiting: { total: 0, oldest: null },
  parked: { total: 0, tenants: 0, oldest: null },
  open: { queued: 0, running: 0 },
} satisfies Examined['runs']
const well: Examined = {
  state: 'examined',
  schema: { pending: [], unknown: [], queue: { found: 46, needed: 46 } },
  notificationsArrive: true,
  workers: { present: 2, busy: none },
  runs,
  queue: { twice: none, deadLetters: none, schedules: none },
  schedules: { total: 0, paused: 0, overdue: none },
  sizes: { tables: [], oldestEvent: null },
}

const toDo = (examination: Examination) =>
  diagnose(examination, NOW).filter(({ level }) => level === 'problem')
const checksOf = (examination: Examination) => toDo(examination).map(({ check }) => check)

test('of a database in which all is well there is a word on each check, and nothing to do', () => {
  const findings = diagnose(well, NOW)
  expect(findings.every(({ level }) => level === 'ok')).toBe(true)
  expect(new Set(findings.map(({ check }) => check)).size).toBe(findings.length)
})

test('whatever there is to do, it is said what it means or what to do', () => {
  const run = { id: 'r', agentKey: 'a', since: '2030-01-10T11:00:00Z', worker: 'w' }
  const some = { total: 3, listed: [run] }
  const ill: Examined = {
    ...well,
    notificationsArrive: false,
    workers: { present: 0, busy: none },
    runs: {
      overdue: { total: 1, listed: [{ agentKey: 'a', runs: 1, since: run.since }] },
      expiredLeases: some,
      abandoned: some,
      undelivered: some,
      unsent: some,
      cancelsPending: some,
      suspect: some,
      workerLost: some,
      waiting: { total: 1, oldest: run.since },
      parked: { total: 0, tenants: 0, oldest: null },
      open: { queued: 1, running: 0 },
    },
    queue: {
      twice: { total: 1, listed: [{ agentKey: 'a', deliveries: 2 }] },
      deadLetters: { total: 1, listed: [{ ...run, queue: '', reason: '' }] },
      schedules: none,
    },
    schedules: { total: 3, paused: 0, overdue: some },
  }
  const findings = toDo(ill)
  expect(findings).toHaveLength(13)
  for (const { found, meaning, remedy } of findings) {
    expect(found).toMatch(/\.$/)
    expect(meaning).toBeTruthy()
    expect(remedy).toBeTruthy()
  }
  expect(findings.find(({ check }) => check === 'runs-undelivered')).toMatchObject({
    items: ['r of a, since 2030-01-10T11:00:00Z'],
    more: 2,
  })
})

describe('workers', () => {
  test('none is something to do only where there are runs', () => {
    const without: Examined = { ...well, workers: { present: 0, busy: none } }
    expect(checksOf(without)).toEqual([])
    expect(checksOf({ ...without, runs: { ...runs, open: { queued: 1, running: 0 } } })).toEqual(['workers'])
  })

  test('what nobody takes is explained by how long it has been due', () => {
    const listed = [
      { agentKey: 'old', runs: 2, since: '2030-01-09T11:59:00Z' },
      { agentKey: 'new', runs: 1, since: '2030-01-10T11:00:00Z' },
    ]
    const [finding] = toDo({ ...well, runs: { ...runs, overdue: { total: 2, listed } } })
    expect(finding?.items).toEqual([
      'old: 2 runs, the first due since 2030-01-09T11:59:00Z: probably no deployment knows this agent',
      'new: 1 run, the first due since 2030-01-10T11:00:00Z',
    ])
  })
})

describe('the tables', () => {
  const schema = (change: Partial<Examined['schema']>): Examination => ({
    state: 'outdated',
    schema: { ...well.schema, ...change },
  })

  test.each<[string, Examination, string[]]>([
    ['of an older version', schema({ pending: ['m'] }), ['migrations']],
    ['without a queue', schema({ queue: { found: null, needed: 46 } }), ['queue-version']],
    ['with an older queue', schema({ queue: { found: 45, needed: 46 } }), ['queue-version']],
    ['with a newer queue', schema({ queue: { found: 47, needed: 46 } }), ['queue-version']],
  ])('%s', (_what, examination, checks) => {
    expect(checksOf(examination)).toEqual(checks)
  })

  test('of a newer version are fine as long as both work with them', () => {
    const findings = diagnose({ ...well, schema: { ...well.schema, unknown: ['later'] } }, NOW)
    expect(findings.find(({ check }) => check === 'migrations')).toMatchObject({
      level: 'note',
      items: ['later'],
    })
  })
})
