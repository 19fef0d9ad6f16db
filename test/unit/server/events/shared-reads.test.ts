import { expect, it } from 'vitest'
import { createSharedReads } from '../../../../server/events/shared-reads.ts'
import type { EventBatch } from '../../../../server/events/event-ring.ts'

function scene() {
  const asked: (PromiseWithResolvers<EventBatch> & { page: string })[] = []
  const read = createSharedReads((...page) => {
    asked.push({ ...Promise.withResolvers<EventBatch>(), page: page.join(' ') })
    return asked.at(-1)!.promise
  })
  return { asked, read }
}

it('is one read for all who want the same page while it is under way', async () => {
  const { asked, read } = scene()
  const answers = [read(7, 'run', 4, 250), read(7, 'run', 4, 250)]
  expect(asked.map(({ page }) => page)).toEqual(['run 4 250'])
  const batch: EventBatch = []
  asked[0]?.resolve(batch)
  for (const answer of await Promise.all(answers)) expect(answer).toBe(batch)
  void read(7, 'run', 4, 250)
  expect(asked).toHaveLength(2)
})

it('is another for another page, run or floor', () => {
  const { asked, read } = scene()
  void read(7, 'run', 4, 250)
  void read(7, 'run', 5, 250)
  void read(7, 'other', 4, 250)
  // Events below the new floor may have been written after the first read began.
  void read(8, 'run', 4, 250)
  void read(undefined, 'run', 4, 250)
  expect(asked).toHaveLength(5)
})

it('fails for all who wait, and is begun anew by the next', async () => {
  const { asked, read } = scene()
  const answers = [read(7, 'run', 4, 250), read(7, 'run', 4, 250)]
  asked[0]?.reject(new Error('no connection'))
  for (const answer of answers) await expect(answer).rejects.toThrow('no connection')
  void read(7, 'run', 4, 250)
  expect(asked).toHaveLength(2)
})
