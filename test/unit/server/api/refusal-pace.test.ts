import { expect, test } from 'vitest'
import { createRefusalPace, refusalKey } from '../../../../server/api/refusal-pace.ts'

function scene(perSecond: number) {
  let now = 0
  const waits: number[] = []
  const time = { now: () => now, sleep: async (ms: number) => void waits.push(Math.round(ms)) }
  const { count, wait } = createRefusalPace(perSecond, new AbortController().signal, time)
  const pace = (key: string) => wait(count(key))
  return { pace, waits, pass: (ms: number) => (now += ms) }
}

test('so many are answered at once, those after them later and later, up to five seconds', async () => {
  const { pace, waits, pass } = scene(4)
  for (let count = 0; count < 4; count++) await pace('a')
  expect(waits).toEqual([])
  for (let count = 0; count < 3; count++) await pace('a')
  await pace('b')
  expect(waits).toEqual([250, 500, 750])
  for (let count = 0; count < 100; count++) await pace('a')
  expect(Math.max(...waits)).toBe(5_000)
  pass(6_000)
  waits.length = 0
  for (let count = 0; count < 4; count++) await pace('a')
  expect(waits).toEqual([])
})

test('who comes under ten thousand names is still slowed by each', async () => {
  const { pace, waits } = scene(1)
  for (let round = 0; round < 3; round++) for (let name = 0; name < 5_000; name++) await pace(`${name}`)
  expect(waits).toHaveLength(10_000)
  for (let name = 0; name < 50_000; name++) await pace(`other ${name}`)
  expect(waits).toHaveLength(10_000)
})

test('one whose network is not known is not slowed', () => {
  const { count, wait } = createRefusalPace(1, new AbortController().signal)
  for (let refused = 0; refused < 100; refused++) expect(wait(count(undefined))).toBe(undefined)
})

test('a principal is told from others by itself, nobody and everybody by the network', () => {
  const user = { id: 'ada', tenantId: 'acme', kind: 'user' as const }
  expect(refusalKey(user, '192.0.2.1')).toBe(refusalKey(user, '192.0.2.2'))
  expect(refusalKey({ ...user, kind: 'public' }, '192.0.2.1')).toBe(refusalKey(undefined, '192.0.2.1'))
})
