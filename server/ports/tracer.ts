import type { Json } from '../contract/json.ts'
import type { AgentMessage } from '../contract/message.ts'
import type { RunStatus } from '../contract/run.ts'
import type { FinishReason, ModelRequest, TokenUsage } from './model.ts'

/** The run that an operation is of. */
export interface TracedRun {
  id: string
  agentKey: string
  conversationId: string | null
  principal: { id: string; tenantId: string }
}

/** What is traced. The adapter decides on names and attributes. */
export type Operation =
  /** A run is created, by whoever asked for it. */
  | { kind: 'create'; run: TracedRun }
  /** One execution of a run. `traceparent` is that of its creation, `earlierTraceparent` that of the newest attempt before it that wrote something, whose number is `earlierAttempt`. */
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

/** How an operation ended; without an `error` it ended well. */
export interface OperationOutcome {
  error?: unknown
  /** Of an attempt: what its run is now. */
  status?: RunStatus
  /** What an attempt, a tool or a model answered with. */
  output?: Json
  usage?: TokenUsage
  /** Of a chain of models: the one that answered. */
  answeredBy?: { provider: string; name: string }
  finishReason?: FinishReason
}

/** An operation under way. */
export interface Span {
  /** The W3C trace context (https://www.w3.org/TR/trace-context/) that names it, to hand on. Null where nothing is traced. */
  readonly traceparent: string | null
  /** Runs `work`, so that what it begins, and what instrumented libraries do in it, belongs to this. */
  within<T>(work: () => T): T
  /** The model said the first of its answer. */
  answering(): void
  end(outcome?: OperationOutcome): void
}

/**
 * Where the ways of runs are traced to. Nothing waits for it, and what it throws changes nothing.
 */
export interface Tracer {
  begin(operation: Operation): Span
  /**
   * Runs `work` as part of the trace that a request came with, unless an instrumentation took it up already.
   * `readTraceparent` gives the request's W3C trace context.
   */
  continueFrom<T>(readTraceparent: () => string | null, work: () => T): T
  /** Loads what it needs, before the runtime starts. Rejects with one sentence on what is wrong. */
  prepare?(): Promise<void>
  /** Sends what it has not sent yet. The runtime waits for it at its end, for two seconds. */
  stop?(): Promise<void>
}
