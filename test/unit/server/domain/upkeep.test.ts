import { expect, onTestFinished, test } from 'vitest'
import { runUpkeep } from '../../../../server/domain/upkeep.ts'
import { ManualClock, settled } from '../../../support/manual-clock.ts'
import { createSilentLogger } from '../../../support/silent-logger.ts'

/** Looks once a second. The test says what it finds. */
function start() {
  const clock = new ManualClock()
  const stopping = new AbortController()
  const recovered: (readonly string[])[] = []
  const state = { absentWorkerIds: ['w'], hasExpiredLease: false, isDown: false }
  const keeping = runUpkeep(
    {
      store: {
        findUpkeep: async () => {
          if (state.isDown) throw new Error('no database')
          return {
            ...state,
            hasExpiredRun: false,
            hasParkedRun: false,
            hasDueSchedule: false,
            hasFamilyNews: false,
            hasLeftMessages: false,
            freeConversationIds: [],
          }
        },
        recoverRuns: async (workerIds) => {
          recovered.push(workerIds)
          return []
        },
        expireRuns: async () => [],
        giveTurns: async () => [],
        letInParked: async (after) => after,
      },
      bus: { publish: () => {} },
      clock,
      log: createSilentLogger(),
      random: () => 0.5,
      createDueRuns: () => {},
      tellFamilies: async () => {},
      passOn: async () => {},
    },
    { intervalMs: 1_000, signal: stopping.signal },
  )
  onTestFinished(async () => {
    stopping.abort()
    await keeping
  })
  const look = async (times = 1) => {
    for (let count = 0; count < times; count += 1) {
      await settled()
      clock.advance(1_000)
      await settled()
    }
  }
  return { state, recovered, look }
}

test('a worker that is absent at two looks in a row is gone', async () => {
  const { recovered, look } = start()
  await look()
  expect(recovered).toEqual([])
  await look()
  expect(recovered).toEqual([['w']])
})

test('after an outage workers are given time to be back, and to renew their leases', async () => {
  const { state, recovered, look } = start()
  await look()
  Object.assign(state, { isDown: true })
  await look(4)
  Object.assign(state, { isDown: false, hasExpiredLease: true })
  await look(2)
  Object.assign(state, { absentWorkerIds: [], hasExpiredLease: false })
  await look(5)
  expect(recovered).toEqual([])
})

test('a worker that does not come back after an outage is gone', async () => {
  const { state, recovered, look } = start()
  Object.assign(state, { isDown: true })
  await look()
  Object.assign(state, { isDown: false })
  await look(4)
  expect(recovered).toEqual([['w']])
})
