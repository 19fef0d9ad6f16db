import type { TRPCLink } from '@trpc/client'
import { TRPCClientError } from '@trpc/client'
import type { Unsubscribable } from '@trpc/server/observable'
import { observable } from '@trpc/server/observable'
import type { AgentRouter } from '../server/api/router.ts'
import { loadedOnce } from './late.ts'
import { toAgentError } from './to-agent-error.ts'

/** A link whose code is loaded with the first operation that needs it. */
export function lateLink(load: () => Promise<TRPCLink<AgentRouter>>): TRPCLink<AgentRouter> {
  return (runtime) => {
    const loaded = loadedOnce(async () => (await load())(runtime))
    return (operation) =>
      observable((observer) => {
        let isLeft = false
        let subscription: Unsubscribable | undefined
        loaded().then(
          (link) => {
            if (!isLeft) subscription = link(operation).subscribe(observer)
          },
          (failure: unknown) => observer.error(TRPCClientError.from(toAgentError(failure))),
        )
        return () => {
          isLeft = true
          subscription?.unsubscribe()
        }
      })
  }
}
