import type { TRPCClient } from '@trpc/client'
import type { AgentRouter } from '../server/api/router.ts'
import type { AgentClient } from './agent-client.ts'
import { call } from './trpc-transport.ts'

export function createMemories({ memories }: TRPCClient<AgentRouter>): AgentClient['memories'] {
  return {
    get: (memoryId, options = {}) => call(memories.get.query({ memoryId }, options), options.signal),
    list: (input = {}, options = {}) => call(memories.list.query(input, options), options.signal),
    delete: (memoryId, options = {}) => call(memories.delete.mutate({ memoryId }, options), options.signal),
  }
}
