import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { logRefusal } from '../../../../server/api/log-refusal.ts'
import { AgentRuntimeError } from '../../../../server/contract/agent-runtime-error.ts'
import { createSilentLogger } from '../../../support/silent-logger.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }))
afterEach(() => void vi.useRealTimers())

test('a flood of refusals is told of in a hundred lines a second', () => {
  const log = createSilentLogger()
  const refuse = () =>
    logRefusal(log, new AgentRuntimeError('unauthorized', 'No.'), { method: 'GET', url: 'http://a/b?c=d' })
  for (let count = 0; count < 10_000; count++) refuse()
  expect(log.entries).toHaveLength(100)
  vi.advanceTimersByTime(1_000)
  refuse()
  refuse()
  const told = { code: 'unauthorized', reason: 'No.', request: 'GET /b' }
  expect([0, 100, 101].map((at) => log.entries[at]?.fields)).toEqual([
    told,
    { ...told, leftOut: 9_900 },
    told,
  ])
})
