import type { Fault } from '../scene/scene.ts'
import type { Span } from './pause.ts'
import { pause } from './pause.ts'

/** Ends all listening sessions at once, and one in `oneIn` of the runtime's other sessions. */
export function endSessions(every: Span, { oneIn }: { oneIn: number }): Fault {
  return async ({ postgres, random: seeded, signal, count }) => {
    const random = seeded.fork('end sessions')
    while (await pause(random, every, signal)) {
      const ended = await postgres.sql(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE application_name = 'agent-runtime listen'
           OR (application_name LIKE 'agent-runtime%' AND random() < 1.0 / $1
               AND application_name <> 'agent-runtime owner')`,
        [oneIn],
      )
      for (const _ of ended) count('session ended')
    }
  }
}
