import type { AnyRunEvent } from '../../contract/event.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Metrics } from '../../ports/metrics.ts'
import { HISTOGRAMS } from './instruments.ts'

/** Records how long after it was written an event was there for those who follow its run in this process. */
export function measureLag(metrics: Metrics, { now }: Pick<Clock, 'now'>): (newest: AnyRunEvent) => void {
  return ({ ts }) => {
    // Of two clocks the other one may be ahead, which is no lag.
    metrics.record(HISTOGRAMS.notificationLag, Math.max(0, now() - Date.parse(ts)) / 1000, {})
  }
}
