import { expect, test } from 'vitest'
import { createSlowOwners } from '../../../../server/domain/slow-owners.ts'

const owner = (id: string) => ({ id, tenantId: 'acme', kind: 'user' as const })

test('owners are forgotten after a time, and the oldest where there are too many', () => {
  let now = 0
  const slow = createSlowOwners(() => now)
  slow.add(owner('ada'))
  now = 60_000
  slow.add(owner('bob'))
  now = 5 * 60_000
  expect(slow.list()).toEqual([owner('bob')])
  expect([slow.has(owner('ada')), slow.has(owner('bob'))]).toEqual([false, true])
  slow.delete(owner('bob'))
  expect(slow.list()).toEqual([])
  for (let n = 0; n < 3_000; n++) slow.add(owner(`other-${n}`))
  expect(slow.list()).toHaveLength(1_000)
  expect(slow.has(owner('other-2999'))).toBe(true)
})
