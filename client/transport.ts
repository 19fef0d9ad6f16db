import type { AgentRuntimeError } from '../server/contract/agent-runtime-error.ts'
import type { AnyRunEvent } from '../server/contract/event.ts'
import type { RunDetail } from '../server/contract/run.ts'

/** Which events a reader asks for beside those of visibility `user`. The server sends only what the caller may see. */
export interface EventSelection {
  /** Also `debug` events: tool calls, reasoning, usage. Default: false. */
  includeDebug?: boolean
  /** Also `internal` events. Default: false. */
  includeAll?: boolean
}

export interface RunStreamRequest extends EventSelection {
  runId: string
  /** `seq` of the last event already seen; 0 for all of them. */
  lastEventId: number
}

export interface ConversationStreamRequest extends EventSelection {
  conversationId: string
  /** `cursor` of the last event already seen; undefined for all of them. */
  lastEventId: string | undefined
}

export type StreamRequest = RunStreamRequest | ConversationStreamRequest

/** Each stream ends with exactly one of `onCompleted` and `onFailed`. */
export interface StreamObserver {
  onOpened(): void
  onEvent(event: AnyRunEvent): void
  /** The server has nothing more to say. */
  onCompleted(): void
  /** The connection was refused or lost. The error's code tells whether another try can help. */
  onFailed(error: AgentRuntimeError): void
}

/** What following a run needs of a server. */
export interface RunTransport {
  /** @throws AgentRuntimeError */
  getRun(runId: string, signal?: AbortSignal): Promise<RunDetail>
  /** Opens one connection, without retries. @returns a function that closes it, after which the observer hears nothing more. */
  openStream(request: StreamRequest, observer: StreamObserver): () => void
}

/** The input of the server's procedure. */
export function inputOf<T extends StreamRequest>({
  lastEventId,
  ...request
}: T): Omit<T, 'lastEventId'> & { lastEventId?: string } {
  return { ...request, ...(lastEventId ? { lastEventId: String(lastEventId) } : {}) }
}
