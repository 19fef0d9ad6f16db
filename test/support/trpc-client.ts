import type { TRPCClient } from '@trpc/client'
import { createTRPCClient } from '@trpc/client'
import { createLinks } from '../../client/links.ts'
import type { AgentRouter } from '../../server/api/router.ts'
import type { AnyRunEvent, EventFilter } from '../../server/contract/event.ts'

export interface TestTrpc {
  client: TRPCClient<AgentRouter>
  /** Follows a run over a subscription, to its end. */
  events(input: EventsInput, options?: { onEvent?: (event: AnyRunEvent) => void }): Promise<AnyRunEvent[]>
}

type EventsInput = { runId: string; lastEventId?: number | string } & Partial<EventFilter>

/** The tRPC face of a runtime, through the links of the package's own client. */
export function createTestTrpc(
  handler: (request: Request) => Promise<Response>,
  headers: Record<string, string>,
): TestTrpc {
  const client = createTRPCClient<AgentRouter>({
    links: createLinks({
      url: 'http://runtime.test/trpc',
      headers,
      fetch: (input, init) => handler(new Request(input, init)),
    }),
  })
  return {
    client,
    events: ({ lastEventId, ...input }, { onEvent } = {}) =>
      new Promise((resolve, reject) => {
        const events: AnyRunEvent[] = []
        const subscription = client.runs.events.subscribe(
          { ...input, ...(lastEventId === undefined ? {} : { lastEventId: String(lastEventId) }) },
          {
            onData: ({ data }) => {
              events.push(data)
              onEvent?.(data)
            },
            onError: (error) => {
              subscription.unsubscribe()
              reject(error)
            },
            onComplete: () => {
              subscription.unsubscribe()
              resolve(events)
            },
          },
        )
      }),
  }
}
