import type { Workload } from '../workload.ts'
import { measureThroughput, throughput } from './w1-throughput.ts'

/** What it costs to create a conversation with each run. The floor has no conversations. */
export const conversationThroughput: Workload = {
  ...throughput,
  key: 'w1new',
  title: `${throughput.title}, each with a new conversation`,
  measure: (target, options) => measureThroughput(target, { ...options, inConversations: true }),
}
