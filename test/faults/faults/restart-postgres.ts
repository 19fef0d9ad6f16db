import type { Fault } from '../scene/scene.ts'
import type { Span } from './pause.ts'
import { pause } from './pause.ts'

/** Stops PostgreSQL in immediate mode, like a crash, and starts it again. It recovers from its log. */
export function restartPostgres(every: Span): Fault {
  return async ({ postgres, random: seeded, signal, count }) => {
    const random = seeded.fork('restart postgres')
    while (await pause(random, every, signal)) {
      await postgres.restart()
      count('PostgreSQL restarted')
    }
  }
}
