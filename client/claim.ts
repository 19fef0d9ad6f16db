import type { TRPCClient } from '@trpc/client'
import type { AgentRouter } from '../server/api/router.ts'
import { AgentRuntimeError } from '../server/contract/agent-runtime-error.ts'
import type { AgentClient } from './agent-client.ts'
import { call } from './trpc-transport.ts'
import type { Visitor } from './visitor.ts'

/** There was no such session, or it was claimed before, perhaps by a call whose answer got lost. */
const DONE = new Set(['not_found', 'conflict'])

export function createClaim(
  trpc: TRPCClient<AgentRouter>,
  visitor: Visitor | undefined,
): AgentClient['sessions']['claim'] {
  return async (options = {}) => {
    const token = visitor?.token
    if (visitor === undefined || token === undefined) return null
    try {
      const claimed = await call(trpc.sessions.claim.mutate({ token }, options), options.signal)
      visitor.forget()
      return claimed
    } catch (error) {
      if (!(error instanceof AgentRuntimeError && DONE.has(error.code))) throw error
      visitor.forget()
      return null
    }
  }
}
