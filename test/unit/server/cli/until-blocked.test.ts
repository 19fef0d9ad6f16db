import { describe, expect, test } from 'vitest'
import { untilBlocked } from '../../../../server/cli/until-blocked.ts'
import { ManualClock, settled } from '../../../support/manual-clock.ts'

const LOOK_MS = 1_000

function watch() {
  const clock = new ManualClock()
  const process = { heardAt: 0, patienceMs: 30_000 }
  const ended = new AbortController()
  const answer = untilBlocked(process, { clock, ended: ended.signal })
  async function pass(looks: number, isHeard: boolean): Promise<void> {
    for (let look = 0; look < looks; look += 1) {
      await settled()
      if (isHeard) process.heardAt = clock.now()
      clock.advance(LOOK_MS)
    }
    await settled()
  }
  return { clock, process, ended, answer, pass }
}

describe('a process that is watched', () => {
  test('is blocked when it has been silent for longer than its patience, at two looks', async () => {
    const { answer, pass } = watch()
    await pass(100, true)
    await pass(33, false)
    expect(await answer).toBe(true)
  })

  test('is not when it is heard again after the first', async () => {
    const { answer, pass, ended } = watch()
    await pass(31, false)
    await pass(20, true)
    ended.abort()
    expect(await answer).toBe(false)
  })

  test('is sooner when it is given less', async () => {
    const { answer, pass, process } = watch()
    await pass(20, false)
    process.patienceMs = 5_000
    await pass(2, false)
    expect(await answer).toBe(true)
  })
})
