import { expect, test } from 'vitest'
import { relativeTime } from '../../../examples/chat/src/relative-time.ts'

const NOW = new Date('2026-11-27T12:00:00Z')

test.each([
  ['2026-11-27T11:59:30Z', 'just now'],
  ['2026-11-27T12:00:05Z', 'just now'],
  ['2026-11-27T11:57:00Z', '3 minutes ago'],
  ['2026-11-27T09:30:00Z', '2 hours ago'],
  ['2026-11-26T11:00:00Z', 'yesterday'],
  ['2026-11-10T11:00:00Z', '2 weeks ago'],
  ['2024-11-10T11:00:00Z', '2 years ago'],
])('%s is %s', (then, told) => {
  expect(relativeTime(new Date(then), NOW)).toBe(told)
})
