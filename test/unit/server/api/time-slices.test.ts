import { expect, it } from 'vitest'
import { createTimeSlices } from '../../../../server/api/socket/time-slices.ts'

/** Each piece of work takes a millisecond of the test's clock. */
function scene() {
  let now = 0
  const done: string[] = []
  const inTimeSlice = createTimeSlices(() => now)
  const work = (name: string, then?: () => void) => () => {
    now += 1
    done.push(name)
    then?.()
  }
  return { done, inTimeSlice, work }
}

const nextPassOfTheLoop = () => new Promise<void>((resolve) => setImmediate(resolve))

it('leaves the event loop to others between a few milliseconds of work', async () => {
  const { done, inTimeSlice, work } = scene()
  for (let index = 1; index <= 12; index += 1) inTimeSlice(work(String(index)))
  expect(done).toHaveLength(0)
  const progress: number[] = []
  while (done.length < 12) {
    await nextPassOfTheLoop()
    progress.push(done.length)
  }
  expect(progress).toEqual([5, 10, 12])
})

it('serves everybody once before anybody twice', async () => {
  const { done, inTimeSlice, work } = scene()
  const again = work('busy', () => {
    if (done.length < 4) inTimeSlice(again)
  })
  inTimeSlice(again)
  inTimeSlice(work('other'))
  inTimeSlice(work('third'))
  await nextPassOfTheLoop()
  expect(done).toEqual(['busy', 'other', 'third', 'busy'])
})

it('does work once that is given twice', async () => {
  const { done, inTimeSlice, work } = scene()
  const once = work('once')
  inTimeSlice(once)
  inTimeSlice(once)
  await nextPassOfTheLoop()
  expect(done).toEqual(['once'])
})
