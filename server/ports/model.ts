import type { Json } from '../contract/json.ts'
import type { AgentMessage, ToolCall } from '../contract/message.ts'

/** A tool as a model sees it. `parameters` is a JSON Schema object. */
export interface ToolSpec {
  name: string
  description: string
  parameters: Record<string, unknown>
}

/** How an answer is to be made. What a provider has no place for, or a model refuses, is left out. */
export interface ModelSettings {
  /** Upper bound on the tokens of the answer. Default: the provider's, where it has one. */
  maxOutputTokens?: number
  temperature?: number
  /** How much the model thinks before it answers. Default: the model's own. */
  reasoningEffort?: 'none' | 'low' | 'medium' | 'high'
  /** Texts at which the answer ends. */
  stop?: readonly string[]
  /** Has the provider keep the beginning of the conversation for the next request, where that has to be asked for. Default: false. */
  promptCache?: boolean
}

/** The form of an answer, as a JSON Schema of an object. */
export interface ResponseSchema {
  name: string
  schema: Record<string, unknown>
}

/** Whether the model may call tools, has to call one, or this one. */
export type ToolChoice = 'auto' | 'none' | 'required' | { tool: string }

export interface ModelRequest extends ModelSettings {
  messages: readonly AgentMessage[]
  tools?: readonly ToolSpec[]
  /** Default: `auto`. It is given along with `tools` alone. */
  toolChoice?: ToolChoice
  /** Has the model answer in JSON of this form. A model that can't be held to it is told. */
  responseSchema?: ResponseSchema
}

export interface TokenUsage {
  /** All of the request, what a cache had of it included. */
  inputTokens: number
  /** All of the answer, what was thought included. */
  outputTokens: number
  /** Of `inputTokens`, those that were read from the provider's cache. */
  cachedInputTokens?: number
  /** Of `inputTokens`, those that were written to it. */
  cacheWriteInputTokens?: number
  /** Of `outputTokens`, those that were thought. */
  reasoningTokens?: number
  /** In US dollars; null where it is not known. A model leaves it out, unless its provider tells: then it is made of prices. */
  cost?: number | null
}

/** What an answer of a model cost; null where that is not known. */
export type CostOf = (model: Pick<Model, 'provider' | 'name'>, usage: TokenUsage) => number | null

/** The most tokens that a request to a model may have; null where that is not known. */
export type WindowOf = (model: Pick<Model, 'provider' | 'name'>) => number | null

/**
 * What a model streams. `finish` is the last chunk of every stream that did not throw. Calls of tools are numbered from 0 in the
 * order in which they begin, and their `tool-call` chunks come in that order.
 */
export type ModelChunk =
  | { type: 'text'; text: string }
  | { type: 'reasoning'; text: string }
  /** A piece of a call's arguments, as JSON text; the first tells that the call begins. A model may leave these out. */
  | { type: 'tool-input'; index: number; name: string; text: string }
  /** A call that is complete. Its id is the provider's, and unique in the answer. */
  | { type: 'tool-call'; toolCall: ToolCall }
  | {
      type: 'finish'
      reason: FinishReason
      usage: TokenUsage
      /** Who answered, where that may be another than was asked. */
      answeredBy?: { provider: string; name: string }
      /** What the provider needs back with this answer, unchanged: stored, and found in the next request's messages. */
      providerData?: Json
    }

/** `paused`: the provider stopped in the middle, and goes on when it is sent what it said so far. */
export type FinishReason = 'stop' | 'tool-calls' | 'length' | 'content-filter' | 'paused'

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

/** What kind of failure a {@link ModelError} is, whichever provider it comes from. */
export type ModelErrorCode =
  /** Too many requests, or tokens, in a time. */
  | 'rate_limited'
  /** The provider has no capacity at the moment, or is down. */
  | 'overloaded'
  /** The account's plan or credit is used up: only a person can help. */
  | 'quota_exhausted'
  /** The conversation is longer than the model takes. */
  | 'context_overflow'
  /** The provider does not answer that, by its rules for content. */
  | 'refused'
  /** The key is wrong, or may not do this. */
  | 'access_denied'
  /** There is no such model. */
  | 'not_found'
  | 'invalid_request'
  /** The provider failed at it. */
  | 'server_error'
  /** No answer came, or it broke off. */
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

/** A provider refused or broke off a request. */
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
