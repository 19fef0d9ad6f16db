import type { Json } from '../contract/json.ts'
import type { AgentMessage, ToolCall } from '../contract/message.ts'

/** A tool as a model sees it. `parameters` is a JSON Schema object. */
export interface ToolSpec {
  name: string
  description: string
  parameters: Record<string, unknown>
}

/** How the model should answer. Settings that the provider does not have, or the model refuses, are left out. */
export interface ModelSettings {
  /** Upper bound on the tokens of the answer. Default: the provider's, if it has one. */
  maxOutputTokens?: number
  temperature?: number
  /** How much the model thinks before it answers. Default: the model's own. */
  reasoningEffort?: 'none' | 'low' | 'medium' | 'high'
  /** Texts at which the answer ends. */
  stop?: readonly string[]
  /**
   * Asks the provider to cache the beginning of the conversation for the next request, where it does so only when
   * asked. Default: false.
   */
  promptCache?: boolean
}

/** The form of an answer, as a JSON Schema of an object. */
export interface ResponseSchema {
  name: string
  schema: Record<string, unknown>
}

/** Whether the model may call tools, must call one, or must call this one. */
export type ToolChoice = 'auto' | 'none' | 'required' | { tool: string }

export interface ModelRequest extends ModelSettings {
  messages: readonly AgentMessage[]
  tools?: readonly ToolSpec[]
  /** Default: `auto`. Only used together with `tools`. */
  toolChoice?: ToolChoice
  /** Makes the model answer in JSON of this form. A model without support for that gets the schema in its prompt. */
  responseSchema?: ResponseSchema
}

export interface TokenUsage {
  /** Of the whole request, cached tokens included. */
  inputTokens: number
  /** Of the whole answer, reasoning included. */
  outputTokens: number
  /** Of `inputTokens`, those that were read from the provider's cache. */
  cachedInputTokens?: number
  /** Of `inputTokens`, those that were written to it. */
  cacheWriteInputTokens?: number
  /** Of `outputTokens`, those of the model's reasoning. */
  reasoningTokens?: number
  /**
   * In US dollars; null when it is not known. A model leaves it out unless its provider reports it; then the cost is
   * computed from prices.
   */
  cost?: number | null
}

/** The cost of a model's answer; null when it is not known. */
export type CostOf = (model: Pick<Model, 'provider' | 'name'>, usage: TokenUsage) => number | null

/** The most tokens that a request to a model may have; null when it is not known. */
export type WindowOf = (model: Pick<Model, 'provider' | 'name'>) => number | null

/**
 * A piece of a model's answer. `finish` is the last chunk of every stream that did not throw. Tool calls are numbered
 * from 0 in the order in which they begin; their `tool-call` chunks come in that order.
 */
export type ModelChunk =
  | { type: 'text'; text: string }
  | { type: 'reasoning'; text: string }
  /**
   * A piece of a call's arguments, as JSON text. The first piece shows that the call begins. A model may leave these
   * out.
   */
  | { type: 'tool-input'; index: number; name: string; text: string }
  /** A complete call. Its id comes from the provider and is unique in the answer. */
  | { type: 'tool-call'; toolCall: ToolCall }
  | {
      type: 'finish'
      reason: FinishReason
      usage: TokenUsage
      /** The model that answered, when it may differ from the one that was asked. */
      answeredBy?: { provider: string; name: string }
      /**
       * Data that the provider needs back unchanged with this answer. It is stored and put into the next request's
       * messages.
       */
      providerData?: Json
    }

/** `paused`: the provider stopped in the middle. It continues when it is sent the answer so far. */
export type FinishReason = 'stop' | 'tool-calls' | 'length' | 'content-filter' | 'paused'

/**
 * The port every model client implements.
 *
 * `stream` starts the request when iterated, stops it when `signal` aborts (the iteration then throws the signal's
 * reason), and throws {@link ModelError} when the provider refuses. It calls `onActivity` when the provider shows
 * activity without content, because a stream that is silent for long is given up.
 */
export interface Model {
  /** e.g. `openai`, `anthropic`, `demo`. */
  readonly provider: string
  /** The model's own name, as the provider spells it. */
  readonly name: string
  stream(request: ModelRequest, signal: AbortSignal, onActivity?: () => void): AsyncIterable<ModelChunk>
  /** Loads its dependencies when a worker starts. Rejects when one is missing; this is logged. */
  prepare?(): Promise<void>
}

/** The kind of a {@link ModelError}, the same for all providers. */
export type ModelErrorCode =
  /** Too many requests or tokens in a period. */
  | 'rate_limited'
  /** The provider has no capacity at the moment, or is down. */
  | 'overloaded'
  /** The account's plan or credit is used up: only a person can help. */
  | 'quota_exhausted'
  /** The conversation is longer than the model takes. */
  | 'context_overflow'
  /** The provider's content rules forbid an answer. */
  | 'refused'
  /** The key is wrong, or does not permit this. */
  | 'access_denied'
  /** There is no such model. */
  | 'not_found'
  | 'invalid_request'
  /** The provider failed. */
  | 'server_error'
  /** No answer came, or the connection broke. */
  | 'connection'
  /** The provider was silent for too long. */
  | 'timed_out'
  | 'unknown'

interface ModelErrorOptions {
  retriable: boolean
  /** Default: `unknown`. */
  code?: ModelErrorCode
  status?: number
  retryAfterMs?: number
  cause?: unknown
}

/** A provider refused a request or did not complete it. */
export class ModelError extends Error {
  override readonly name = 'ModelError'
  readonly code: ModelErrorCode
  /** Whether the same request may succeed later: timeouts, 408, 409, 429 and 5xx. */
  readonly retriable: boolean
  /** The provider's HTTP status, where there was one. */
  readonly status: number | undefined
  /** From `Retry-After`, in milliseconds. */
  readonly retryAfterMs: number | undefined

  constructor(message: string, options: ModelErrorOptions) {
    super(message, { cause: options.cause })
    this.code = options.code ?? 'unknown'
    this.retriable = options.retriable
    this.status = options.status
    this.retryAfterMs = options.retryAfterMs
  }
}
