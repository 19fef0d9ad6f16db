import type { Logger } from '../ports/logger.ts'

/** How often something that fails is told of, in milliseconds. */
const TELL_EACH_MS = 60_000

/** Does what may fail, for whom a fault is nobody's: it is logged as `sentence`, at most once a minute. */
export type Attempt = <T>(work: () => T, otherwise: T) => T

export function createAttempt(sentence: string, log: Logger, now: () => number): Attempt {
  let toldAt = -Infinity
  return (work, otherwise) => {
    try {
      return work()
    } catch (error) {
      if (now() - toldAt >= TELL_EACH_MS) {
        toldAt = now()
        log.warn({ err: error }, sentence)
      }
      return otherwise
    }
  }
}
