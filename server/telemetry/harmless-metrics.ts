import type { Logger } from '../ports/logger.ts'
import type { Metrics } from '../ports/metrics.ts'
import { createAttempt } from './harmless.ts'

/** Metrics whose faults are nobody's: what they throw is logged, at most once a minute, and the work goes on unmeasured. */
export function harmlessMetrics(metrics: Metrics, log: Logger, now: () => number): Metrics {
  const attempt = createAttempt('the metrics failed: runs go on unmeasured', log, now)
  return {
    add: (...measured) => attempt(() => metrics.add(...measured), undefined),
    record: (...measured) => attempt(() => metrics.record(...measured), undefined),
    observe(gauge, read) {
      const end = attempt(
        () => metrics.observe(gauge, read),
        () => {},
      )
      return () => attempt(() => end(), undefined)
    },
    ...(metrics.exposition === undefined ? {} : { exposition: metrics.exposition }),
  }
}
