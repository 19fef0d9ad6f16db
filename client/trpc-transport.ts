import type { TRPCClient } from '@trpc/client'
import type { AgentRouter } from '../server/api/router.ts'
import { AgentRuntimeError } from '../server/contract/agent-runtime-error.ts'
import type { RunDetail } from '../server/contract/run.ts'
import { toAgentError } from './to-agent-error.ts'
import type { RunTransport } from './transport.ts'

export function createTrpcTransport(trpc: TRPCClient<AgentRouter>): RunTransport {
  const getRun = (runId: string, signal?: AbortSignal): Promise<RunDetail> =>
    call(trpc.runs.get.query({ runId }, signal === undefined ? {} : { signal }), signal)

  return {
    getRun,
    openStream({ lastEventId, ...request }, observer) {
      let over = false
      const finish = (report: () => void) => {
        if (over) return
        over = true
        subscription.unsubscribe()
        report()
      }
      const subscription = trpc.runs.events.subscribe(
        { ...request, ...(lastEventId > 0 ? { lastEventId: String(lastEventId) } : {}) },
        {
          onStarted: () => observer.onOpened(),
          onData: ({ data }) => {
            if (!over) observer.onEvent(data)
          },
          onComplete: () => finish(() => observer.onCompleted()),
          onConnectionStateChange: ({ state, error }) => {
            // An EventSource would now wait and open again by itself; when to do that is decided in one place, not here.
            if (state === 'connecting' && error !== null) finish(() => observer.onFailed(toAgentError(error)))
          },
          onError: (error) =>
            finish(() => {
              if (error.data) observer.onFailed(toAgentError(error))
              // An EventSource doesn't say what it was refused for: the same question as an ordinary call does.
              else
                void getRun(request.runId)
                  .then(() => REFUSED, toAgentError)
                  .then(observer.onFailed)
            }),
        },
      )
      return () => finish(() => {})
    },
  }
}

const REFUSED = new AgentRuntimeError('unavailable', 'The server refused the stream.')

/** The call's answer; else the signal's reason when that ended it, or an AgentRuntimeError. */
export async function call<T>(answer: Promise<T>, signal?: AbortSignal): Promise<T> {
  try {
    return await answer
  } catch (error) {
    signal?.throwIfAborted()
    throw toAgentError(error)
  }
}
