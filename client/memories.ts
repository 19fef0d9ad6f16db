import type { TRPCClient } from '@trpc/client'
import type { AgentRouter } from '../server/api/router.ts'
import type { AgentClient } from './agent-client.ts'
import { ask } from './ask.ts'

export function createMemories({ memories }: TRPCClient<AgentRouter>): AgentClient['memories'] {
  return {
    get: (memoryId, options) => ask(memories.get.query, { memoryId }, options),
    list: (input = {}, options) => ask(memories.list.query, input, options),
    delete: (memoryId, options) => ask(memories.delete.mutate, { memoryId }, options),
  }
}
