import type { TRPCClient } from '@trpc/client'
import type { AgentRouter } from '../server/api/router.ts'
import { AgentRuntimeError } from '../server/contract/agent-runtime-error.ts'
import type { AnyRunEvent } from '../server/contract/event.ts'
import { ask } from './ask.ts'
import { toAgentError } from './to-agent-error.ts'
import { inputOf } from './transport.ts'
import type { RunTransport, StreamRequest } from './transport.ts'

type RunHandlers = NonNullable<Parameters<TRPCClient<AgentRouter>['runs']['events']['subscribe']>[1]>
/** The handlers of either subscription. */
type Handlers = Omit<RunHandlers, 'onData'> & { onData(tracked: { data: unknown }): void }

export function createTrpcTransport(trpc: TRPCClient<AgentRouter>): RunTransport {
  const getRun: RunTransport['getRun'] = (runId, signal) => ask(trpc.runs.get.query, { runId }, { signal })

  const askFor = (request: StreamRequest): Promise<unknown> =>
    'runId' in request
      ? getRun(request.runId)
      : trpc.conversations.get.query({ conversationId: request.conversationId, limit: 1 })

  function subscribe(request: StreamRequest, handlers: Handlers): { unsubscribe(): void } {
    return 'runId' in request
      ? trpc.runs.events.subscribe(inputOf(request), handlers)
      : trpc.conversations.events.subscribe(inputOf(request), handlers)
  }

  return {
    getRun,
    openStream(request, observer) {
      let over = false
      let isOpened = false
      const finish = (report: () => void) => {
        if (over) return
        over = true
        subscription.unsubscribe()
        report()
      }
      const handlers: Handlers = {
        onStarted() {
          // The server repeats this when a run begins to work or pauses, since how long it may be silent changes then.
          if (!isOpened) observer.onOpened()
          isOpened = true
        },
        onData: ({ data }) => {
          // The router's type is taken on trust, for either procedure.
          if (!over) observer.onEvent(data as AnyRunEvent)
        },
        onComplete: () => finish(() => observer.onCompleted()),
        onConnectionStateChange: ({ state, error }) => {
          // An EventSource would now reconnect by itself. Here one place decides when to reconnect.
          if (state === 'connecting' && error !== null) finish(() => observer.onFailed(toAgentError(error)))
        },
        onError: (error) =>
          finish(() => {
            if (error.data) observer.onFailed(toAgentError(error))
            // An EventSource doesn't tell why it was refused, but an ordinary call for the same run does.
            else
              void askFor(request)
                // If the code could not be loaded, the server was not asked.
                .then(() => (error.cause instanceof AgentRuntimeError ? error.cause : REFUSED), toAgentError)
                .then(observer.onFailed)
          }),
      }
      const subscription = subscribe(request, handlers)
      return () => finish(() => {})
    },
  }
}

const REFUSED = new AgentRuntimeError('unavailable', 'The server refused the stream.')
