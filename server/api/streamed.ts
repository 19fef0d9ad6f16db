import { tracked } from '@trpc/server'
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import type { AnyRunEvent } from '../contract/event.ts'
import type { Principal } from '../contract/principal.ts'
import { toTRPCError } from './errors.ts'
import { eventIdOf } from './event-id.ts'
import { OPEN_EVENTS, stopped } from './follow-events.ts'
import { orClosed } from './or-closed.ts'
import type { ApiContext, ApiServices } from './services.ts'
import type { SubscriptionPath } from './subscription-paths.ts'

interface Subscribed {
  ctx: Omit<ApiContext, 'principal'> & { principal: Principal }
  input: unknown
  signal: AbortSignal | undefined
}

/**
 * The subscriptions of events as tRPC itself writes them, for apps that mount the router. The handler and the
 * sockets write their own.
 */
export function createStreamed(services: ApiServices) {
  return async function* streamed<TEvent>(path: SubscriptionPath, { ctx, input, signal }: Subscribed) {
    const { principal, watch } = ctx
    try {
      const { batches, confirm } = await OPEN_EVENTS[path](services, { principal, input, signal })
      const unwatch = orClosed(batches, () => watch?.(confirm)((reason) => batches.fail(reason)))
      try {
        for await (const batch of batches) {
          // The agent's events were checked against the schema of this type.
          for (const event of batch) yield tracked(eventIdOf(event), event as AnyRunEvent & TEvent as TEvent)
        }
      } finally {
        unwatch?.()
      }
      if (services.stopping.aborted) throw stopped()
    } catch (error) {
      throw error instanceof AgentRuntimeError ? toTRPCError(error) : error
    }
  }
}
