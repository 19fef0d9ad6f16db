import type { Json } from '../../../../server/contract/json.ts'
import type { EmittedEvent } from '../../../../server/events/emitted-event.ts'
import type { RunLog } from '../../../../server/events/run-log.ts'
import { EventWriter } from '../../../../server/events/writer.ts'
import type { AppendOutcome, RunAppend } from '../../../../server/ports/attempt.ts'
import type { Hint } from '../../../../server/ports/event-bus.ts'
import { FakeEventStore } from '../../../support/fake-event-store.ts'
import { ManualClock } from '../../../support/manual-clock.ts'
import { createSilentLogger } from '../../../support/silent-logger.ts'

/** A writer over a fake store, whose `append` the test may replace. */
export function createWriter(append?: (batch: readonly RunAppend[]) => Promise<Map<string, AppendOutcome>>) {
  const store = new FakeEventStore()
  const hints: Hint[] = []
  const fenced: RunLog[] = []
  const refused: RunLog[] = []
  const clock = new ManualClock()
  const log = createSilentLogger()
  const ports = {
    store: { append: append ?? ((batch: readonly RunAppend[]) => store.append(batch)) },
    bus: { publish: (published: readonly Hint[]) => void hints.push(...published) },
    clock,
    log,
  }
  const writer = new EventWriter(ports, {
    onFenced: (runLog) => fenced.push(runLog),
    onRefused: (runLog) => refused.push(runLog),
  })
  return { store, ports, writer, hints, fenced, refused, clock, log }
}

export const event = (type: string, payload: Json): EmittedEvent => ({
  type,
  payload,
  visibility: 'user',
  ts: 'now',
})
