import { expect, test } from 'vitest'
import { createOutbox } from '../../../../server/bus/outbox.ts'
import type { NewHint } from '../../../../server/ports/event-bus.ts'
import { systemClock } from '../../../../server/ports/system-clock.ts'

/** An outbox whose first hint is being sent, so that all others wait. */
function busyOutbox() {
  const sent: NewHint[][] = []
  const first = Promise.withResolvers<void>()
  const outbox = createOutbox(systemClock, async (hints) => {
    sent.push([...hints])
    await first.promise
  })
  outbox.publish([{ kind: 'cancel', runId: 'first' }])
  return {
    publish: outbox.publish,
    async rest() {
      first.resolve()
      await outbox.stop()
      return sent.slice(1)
    },
  }
}

const queued = (agentKey: string, ...runIds: string[]): NewHint => ({
  kind: 'queued',
  agentKey,
  runs: runIds.map((runId) => ({ runId, seq: 0 })),
})
const ids = (count: number) => Array.from({ length: count }, (_, index) => `run-${index}`)

test('runs that are offered while others are sent are named in one hint for each agent', async () => {
  const { publish, rest } = busyOutbox()
  for (const id of ids(100)) publish([queued('one', id), queued('other', id)])
  expect(await rest()).toEqual([[queued('one', ...ids(100)), queued('other', ...ids(100))]])
})

test('more runs than a hint may name are named by none, also when they come in one hint', async () => {
  const { publish, rest } = busyOutbox()
  for (const id of ids(101)) publish([queued('one', id)])
  publish([queued('other', ...ids(101))])
  publish([queued('any', 'early'), { kind: 'queued', agentKey: 'any' }, queued('any', 'late')])
  const unnamed = ['one', 'other', 'any'].map((agentKey) => ({ kind: 'queued', agentKey }))
  expect(await rest()).toEqual([unnamed])
})
