import type { Json } from '../contract/json.ts'
import type { AgentMessage, ToolCall } from '../contract/message.ts'

/** A tool as a model sees it. `parameters` is a JSON Schema object. */
export interface ToolSpec {
  name: string
  description: string
  parameters: Record<string, unknown>
}

export interface ModelRequest {
  messages: readonly AgentMessage[]
  tools?: readonly ToolSpec[]
  /** Upper bound on the tokens of the answer. Default: the provider's, where it has one. */
  maxOutputTokens?: number
  temperature?: number
}

export interface TokenUsage {
  inputTokens: number
  outputTokens: number
}

/** What a model streams. `finish` is the last chunk of every stream that did not throw. */
export type ModelChunk =
  | { type: 'text'; text: string }
  | { type: 'reasoning'; text: string }
  | { type: 'tool-call'; toolCall: ToolCall }
  | {
      type: 'finish'
      reason: FinishReason
      usage: TokenUsage
      /** What the provider needs back with this answer, unchanged: stored, and found in the next request's messages. */
      providerData?: Json
    }

export type FinishReason = 'stop' | 'tool-calls' | 'length' | 'content-filter'

/**
 * The port every model client implements.
 *
 * `stream` starts the request when iterated, stops it when `signal` aborts (the iteration then throws
 * the signal's reason), and throws {@link ModelError} for whatever the provider refuses. It calls `onActivity`
 * when the provider shows that it lives without saying anything: a stream that is silent for long is given up.
 */
export interface Model {
  /** e.g. `openai`, `anthropic`, `demo`. */
  readonly provider: string
  /** The model's own name, as the provider spells it. */
  readonly name: string
  stream(request: ModelRequest, signal: AbortSignal, onActivity?: () => void): AsyncIterable<ModelChunk>
  /** Loads what it needs, once a worker starts. Rejects when that is not there, which the log then says. */
  prepare?(): Promise<void>
}

/** A provider refused or broke off a request. */
export class ModelError extends Error {
  override readonly name = 'ModelError'
  /** Whether the same request may succeed later: timeouts, 408, 409, 429 and 5xx. */
  readonly retriable: boolean
  /** The provider's HTTP status, where there was one. */
  readonly status: number | undefined
  /** From `Retry-After`, in milliseconds. */
  readonly retryAfterMs: number | undefined

  constructor(
    message: string,
    options: { retriable: boolean; status?: number; retryAfterMs?: number; cause?: unknown },
  ) {
    super(message, { cause: options.cause })
    this.retriable = options.retriable
    this.status = options.status
    this.retryAfterMs = options.retryAfterMs
  }
}
