import type { Workload } from '../workload.ts'
import { latency, measureLatency } from './w2-latency.ts'

/** What it costs to create a conversation with each run. The floor has no conversations. */
export const conversationLatency: Workload = {
  ...latency,
  key: 'w2new',
  title: `${latency.title}, each with a new conversation`,
  measure: (target, options) => measureLatency(target, { ...options, inConversations: true }),
}
