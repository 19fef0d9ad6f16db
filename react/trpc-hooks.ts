import type { CreateTRPCReact } from '@trpc/react-query'
import { createTRPCReact } from '@trpc/react-query'
import { createContext } from 'react'
import type { AgentRouter } from '../server/api/router.ts'

export type TrpcHooks = CreateTRPCReact<AgentRouter, unknown>

/** In a context of their own, so that an app's own tRPC hooks keep theirs. */
export function createTrpcHooks(): TrpcHooks {
  return createTRPCReact<AgentRouter>({ context: createContext(null) })
}

/** Asked again: what may go better another time. A refusal stays one. */
export function isWorthRetrying(
  failures: number,
  error: { data?: { httpStatus: number } | null | undefined },
): boolean {
  const status = error.data?.httpStatus
  return failures < 3 && (status === undefined || status >= 500 || status === 429)
}
