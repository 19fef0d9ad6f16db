import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { logRefusal } from '../../../../server/api/log-refusal.ts'
import { AgentRuntimeError } from '../../../../server/contract/agent-runtime-error.ts'
import { createSilentLogger } from '../../../support/silent-logger.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('a flood of refusals is told of in a thousand lines a second, and then how many it was', () => {
  const log = createSilentLogger()
  const refuse = () =>
    logRefusal(log, new AgentRuntimeError('unauthorized', 'No.'), { method: 'GET', url: 'http://a/b?c=d' })
  for (let count = 0; count < 10_000; count++) refuse()
  expect(log.entries).toHaveLength(1_000)
  vi.advanceTimersByTime(1_000)
  expect(log.entries.at(-1)).toMatchObject({ level: 'warn', fields: { leftOut: 9_000 } })
  refuse()
  expect(log.entries).toHaveLength(1_002)
  expect(log.entries.at(-1)?.fields).toEqual({ code: 'unauthorized', reason: 'No.', request: 'GET /b' })
  vi.advanceTimersByTime(1_000)
  expect(log.entries).toHaveLength(1_002)
})
