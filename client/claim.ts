import type { TRPCClient } from '@trpc/client'
import type { AgentRouter } from '../server/api/router.ts'
import { AgentRuntimeError } from '../server/contract/agent-runtime-error.ts'
import type { Claimed } from '../server/contract/session.ts'
import type { AgentClient } from './agent-client.ts'
import { throwIfAborted } from './older-runtimes.ts'
import { call } from './ask.ts'
import type { Visitor } from './visitor.ts'

/** Nothing is left to claim: no such session exists, or an earlier call claimed it and its answer may be lost. */
const DONE = new Set(['not_found', 'conflict'])

export function createClaim(
  trpc: TRPCClient<AgentRouter>,
  visitor: Visitor | undefined,
  /** Called when the user may own now what the visitor had. */
  onClaimed: () => void,
): AgentClient['sessions']['claim'] {
  let asked: { token: string; answer: Promise<Claimed | null> } | undefined

  async function ask(token: string): Promise<Claimed | null> {
    const claimed = await call(trpc.sessions.claim.mutate({ token })).catch((error: unknown) => {
      if (error instanceof AgentRuntimeError && DONE.has(error.code)) return null
      throw error
    })
    visitor?.forget(token)
    onClaimed()
    return claimed
  }

  return async ({ signal } = {}) => {
    throwIfAborted(signal)
    const token = visitor?.token
    if (token === undefined) return null
    // Claims at the same time share one call, because a second call would find nothing to claim.
    if (asked?.token !== token) {
      const mine = { token, answer: ask(token).finally(() => asked === mine && (asked = undefined)) }
      asked = mine
    }
    const aborted = new Promise<null>((resolve) =>
      signal?.addEventListener('abort', () => resolve(null), { once: true }),
    )
    const claimed = await Promise.race([asked.answer, aborted])
    throwIfAborted(signal)
    return claimed
  }
}
