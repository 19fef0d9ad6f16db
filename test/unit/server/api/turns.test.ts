import { expect, it } from 'vitest'
import { createTurns } from '../../../../server/api/socket/turns.ts'

/** Each piece of work takes a millisecond of the clock it is told by. */
function scene() {
  let now = 0
  const done: string[] = []
  const takeTurn = createTurns(() => now)
  const work = (name: string, then?: () => void) => () => {
    now += 1
    done.push(name)
    then?.()
  }
  return { done, takeTurn, work }
}

const nextTurnOfTheLoop = () => new Promise<void>((resolve) => setImmediate(resolve))

it('leaves the event loop to others between a few milliseconds of work', async () => {
  const { done, takeTurn, work } = scene()
  for (let index = 1; index <= 12; index += 1) takeTurn(work(String(index)))
  expect(done).toHaveLength(0)
  const progress: number[] = []
  while (done.length < 12) {
    await nextTurnOfTheLoop()
    progress.push(done.length)
  }
  expect(progress).toEqual([5, 10, 12])
})

it('gives everybody a turn before anybody has a second one', async () => {
  const { done, takeTurn, work } = scene()
  const again = work('busy', () => {
    if (done.length < 4) takeTurn(again)
  })
  takeTurn(again)
  takeTurn(work('other'))
  takeTurn(work('third'))
  await nextTurnOfTheLoop()
  expect(done).toEqual(['busy', 'other', 'third', 'busy'])
})

it('does work once that is given twice', async () => {
  const { done, takeTurn, work } = scene()
  const once = work('once')
  takeTurn(once)
  takeTurn(once)
  await nextTurnOfTheLoop()
  expect(done).toEqual(['once'])
})
