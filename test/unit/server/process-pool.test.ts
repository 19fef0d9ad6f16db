import { expect, test } from 'vitest'
import type { AgentProcess } from '../../../server/frameworks/subprocess/agent-process.ts'
import { ProcessPool } from '../../../server/frameworks/subprocess/process-pool.ts'
import { settled } from '../../support/manual-clock.ts'

/** What a pool needs of a process. This one says hello when it is told to end, like one that was about to. */
function createProcess() {
  const ready = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<void>()
  return {
    runs: 0,
    isUsable: true,
    ready: ready.promise,
    ended: ended.promise,
    whenOver: () => () => {},
    async stop() {
      ready.resolve()
      await settled()
      ended.resolve()
    },
  }
}

test('a pool that is closed while a process begins starts no other one', async () => {
  let started = 0
  const pool = new ProcessPool({
    start() {
      started += 1
      return createProcess() as unknown as AgentProcess
    },
    version: async () => '1',
    maxProcesses: 4,
    warm: 2,
    maxRuns: 10,
    idleMs: 60_000,
    onUsed() {},
    onEmpty() {},
  })
  void pool.warmUp()
  await settled()
  expect(started).toBe(1)
  await pool.close()
  await settled()
  expect(started).toBe(1)
})
