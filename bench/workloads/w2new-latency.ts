import type { Workload } from '../workload.ts'
import { latency, measureLatency } from './w2-latency.ts'

/** What a conversation costs that is made with each run. The floor has none. */
export const conversationLatency: Workload = {
  ...latency,
  key: 'w2new',
  title: `${latency.title}, each with a new conversation`,
  measure: (target, options) => measureLatency(target, { ...options, inConversations: true }),
}
