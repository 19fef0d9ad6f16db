import type { MeasureOptions } from '../workload.ts'
import { connect } from './connect.ts'
import { SequenceCheck } from './sequence-check.ts'
import { EVENTS_PER_FILLED_RUN } from './target.ts'
import type { Target } from './target.ts'

/**
 * Resumes a finished run at a random event, and reads to its end.
 *
 * @throws when events are missing
 */
export async function readFilledRun(
  target: Target,
  runId: string,
  options: MeasureOptions,
): Promise<{ firstEventMs: number; allMs: number }> {
  using client = connect(target.url, options)
  // The runtime tells every reader of the run's end. The floor does not.
  const lastSeq = EVENTS_PER_FILLED_RUN - 1
  const afterSeq = Math.floor(Math.random() * lastSeq)
  const check = new SequenceCheck(afterSeq)
  const startedAt = performance.now()
  let firstEventMs: number | undefined
  const stream = client.follow({
    runId,
    afterSeq,
    onEvent({ seq }) {
      firstEventMs ??= performance.now() - startedAt
      check.take(seq)
    },
  })
  await stream.ended
  if (firstEventMs === undefined || check.count < check.lastSeq - afterSeq || check.lastSeq < lastSeq) {
    throw new Error(`Events of run ${runId} are missing after ${afterSeq}.`)
  }
  return { firstEventMs, allMs: performance.now() - startedAt }
}
