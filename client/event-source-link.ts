import type { TRPCLink } from '@trpc/client'
import { httpSubscriptionLink } from '@trpc/client'
import { EventSource } from 'eventsource'
import type { AgentRouter } from '../server/api/router.ts'

/** Reads server-sent events with `fetch`, which can send headers. */
export const createEventSourceLink = (url: string, fetch: typeof globalThis.fetch): TRPCLink<AgentRouter> =>
  httpSubscriptionLink({ url, EventSource, eventSourceOptions: { fetch } })
