import type { Fault } from '../scene/scene.ts'
import type { Span } from './pause.ts'
import { pause } from './pause.ts'

/**
 * Puts copies of deliveries into the queue, and delivers again what was taken, also for runs that ended long
 * ago. With another queue, it delivers all open runs again.
 */
export function repeatDeliveries(every: Span): Fault {
  return async ({ postgres, random: seeded, signal, count }) => {
    const random = seeded.fork('repeat deliveries')
    while (await pause(random, every, signal)) {
      const copies = await postgres.sql(
        `INSERT INTO agent_runtime_queue.job
           (name, data, policy, retry_limit, retry_delay, expire_seconds, keep_until, deletion_seconds)
         SELECT name, data, policy, retry_limit, retry_delay, expire_seconds, keep_until, deletion_seconds
         FROM agent_runtime_queue.job ORDER BY random() LIMIT 5
         RETURNING id`,
      )
      const again = await postgres.sql(
        `UPDATE agent_runtime_queue.job SET state = 'created', start_after = now(), completed_on = NULL
         WHERE id IN (
           SELECT id FROM agent_runtime_queue.job WHERE state = 'completed' ORDER BY random() LIMIT 5)
         RETURNING id`,
      )
      const forgotten = await postgres.sql(
        `UPDATE agent_runtime.queue_epoch SET epoch = 'another' RETURNING queue`,
      )
      for (const _ of [...copies, ...again, ...forgotten]) count('delivery repeated')
    }
  }
}
