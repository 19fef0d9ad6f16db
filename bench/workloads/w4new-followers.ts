import type { Workload } from '../workload.ts'
import { PER_SECOND, measureAudiences, metricsOf } from './w4-audience.ts'

const AUDIENCES = [200, 1_000]

/**
 * Does a follower of a conversation cost as much as one of a run? The floor has no conversations, so there
 * they follow the run.
 */
export const conversationFollowers: Workload = {
  key: 'w4new',
  title: `One conversation, in which a run of ${PER_SECOND} deltas/s goes on, with many followers`,
  transports: ['rest'],
  metrics: AUDIENCES.flatMap(metricsOf),
  measure: (target, options) =>
    measureAudiences(target, options, { audiences: AUDIENCES, followsConversations: true }),
}
