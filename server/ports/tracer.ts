import type { Json } from '../contract/json.ts'
import type { AgentMessage } from '../contract/message.ts'
import type { RunStatus } from '../contract/run.ts'
import type { FinishReason, ModelRequest, TokenUsage } from './model.ts'

/** The run that an operation belongs to. */
export interface TracedRun {
  id: string
  agentKey: string
  conversationId: string | null
  principal: { id: string; tenantId: string }
}

/** An operation to trace. The adapter chooses names and attributes. */
export type Operation =
  /** A run is created, in the trace of its caller. */
  | { kind: 'create'; run: TracedRun }
  /**
   * One execution of a run. `traceparent` is that of the run's creation. `earlierTraceparent` is that of the newest
   * earlier attempt that wrote something, and `earlierAttempt` its number.
   */
  | {
      kind: 'attempt'
      run: TracedRun
      attempt: number
      traceparent: string | null
      earlierTraceparent: string | null
      earlierAttempt: number | null
      messages: readonly AgentMessage[]
    }
  | { kind: 'model'; provider: string; model: string; request: ModelRequest }
  | { kind: 'tool'; name: string; toolCallId: string; arguments: Json }
  | { kind: 'step'; name: string; occurrence: number }

/** How an operation ended. Without an `error` it succeeded. */
export interface OperationOutcome {
  error?: unknown
  /** For an attempt: the status of its run afterwards. */
  status?: RunStatus
  /** The result of an attempt, a tool or a model. */
  output?: Json
  usage?: TokenUsage
  /** For a chain of models: the one that answered. */
  answeredBy?: { provider: string; name: string }
  finishReason?: FinishReason
}

/** An operation under way. */
export interface Span {
  /**
   * The W3C trace context (https://www.w3.org/TR/trace-context/) of this span, to pass on. Null when nothing is traced.
   */
  readonly traceparent: string | null
  /** Runs `work` inside this span. Spans that it begins, also those of instrumented libraries, become children. */
  within<T>(work: () => T): T
  /** The first piece of the model's answer arrived. */
  answering(): void
  end(outcome?: OperationOutcome): void
}

/** Receives the traces of runs. Nothing waits for it, and an error that it throws has no effect. */
export interface Tracer {
  begin(operation: Operation): Span
  /**
   * Runs `work` as part of the trace in a request's headers, unless an instrumentation has done so already.
   * `readTraceparent` gives the request's W3C trace context.
   */
  continueFrom<T>(readTraceparent: () => string | null, work: () => T): T
  /** Loads its dependencies before the runtime starts. Rejects with one sentence that says what is wrong. */
  prepare?(): Promise<void>
  /** Sends the spans that it still holds. The runtime waits two seconds for this when it stops. */
  stop?(): Promise<void>
}
