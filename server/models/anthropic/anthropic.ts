import type Anthropic from '@anthropic-ai/sdk'
import { ConfigError } from '../../config/config.ts'
import { PROVIDERS } from '../../config/providers.ts'
import type { AgentMessage } from '../../contract/message.ts'
import { fromMessageEvents } from './events.ts'
import { PROVIDER, toAnthropicPrompt, toAnthropicTool } from './messages.ts'
import type { Block } from './messages.ts'
import { loadSdk } from './load-sdk.ts'
import type { Model, ModelChunk, ModelRequest } from '../../ports/model.ts'
import { type Provider, toModelError } from '../provider/provider-error.ts'
import { toProviderMessages } from '../provider/provider-messages.ts'
import { streamFrom } from '../provider/provider-stream.ts'
import { providerFetch } from '../provider/provider-fetch.ts'

export interface AnthropicModelOptions {
  /** Default: `claude-sonnet-5-5`. */
  model?: string
  /** Default: the environment's `ANTHROPIC_API_KEY`. */
  apiKey?: string
  /** Another server that speaks Anthropic's messages. Default: the environment's `ANTHROPIC_BASE_URL`, else Anthropic. */
  baseURL?: string
  /** Tries after the first when a request fails before anything streamed. Default: 2. */
  maxRetries?: number
  /** Milliseconds until the answer has to begin. Default: the SDK's, 10 minutes. */
  timeoutMs?: number
  /** More fields of the request, as the provider spells them, e.g. `{ output_config: { effort: 'low' } }`. */
  extra?: Record<string, unknown>
}

// Anthropic requires a limit, and thinking counts towards it.
const DEFAULT_MAX_OUTPUT_TOKENS = 16_000

/**
 * A model at Anthropic. Needs the package `@anthropic-ai/sdk`. An answer is at most 16,000 tokens long
 * when a request does not say otherwise.
 *
 * @throws ConfigError when there is no API key.
 * @example
 * createAgentRuntime({ agents, model: createAnthropicModel({ model: 'claude-opus-5-5' }) })
 */
export function createAnthropicModel(options: AnthropicModelOptions = {}): Model {
  const name = options.model ?? PROVIDERS.anthropic.defaultModel
  const apiKey = options.apiKey ?? process.env[PROVIDERS.anthropic.keyVariable]
  if (!apiKey) throw new ConfigError('Anthropic needs an API key: set ANTHROPIC_API_KEY or pass apiKey.')
  const provider: Provider = { ...PROVIDERS.anthropic, apiKey }

  let client: Anthropic | undefined

  async function* stream(
    request: ModelRequest,
    signal: AbortSignal,
    onActivity: () => void = () => {},
  ): AsyncGenerator<ModelChunk, void, undefined> {
    signal.throwIfAborted()
    const sdk = await loadSdk()
    client ??= new sdk.Anthropic({
      apiKey,
      ...(options.baseURL === undefined ? {} : { baseURL: options.baseURL }),
      ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs }),
      maxRetries: options.maxRetries ?? 2,
    })
    const anthropic = client.withOptions({ fetch: providerFetch(onActivity) })

    const { system, messages } = toAnthropicPrompt(...inCurrentTurn(request.messages))
    const body: Anthropic.MessageCreateParamsStreaming = {
      model: name,
      max_tokens: request.maxOutputTokens ?? DEFAULT_MAX_OUTPUT_TOKENS,
      messages,
      ...(system === undefined ? {} : { system }),
      ...(request.tools === undefined || request.tools.length === 0
        ? {}
        : { tools: request.tools.map(toAnthropicTool) }),
      ...(request.temperature === undefined ? {} : { temperature: request.temperature }),
      ...options.extra,
      stream: true,
    }

    const translate = (error: unknown) => {
      // A connection error is an API error without an answer.
      const answered = error instanceof sdk.APIError && !(error instanceof sdk.APIConnectionError)
      return toModelError(provider, error, answered ? toFailure(error) : undefined)
    }
    const events = streamFrom(async () => anthropic.messages.create(body, { signal }), signal, translate)
    yield* fromMessageEvents(events, () => toModelError(provider, undefined))
  }

  return { provider: PROVIDER, name, stream, prepare: async () => void (await loadSdk()) }
}

// Thinking is bound to the prompt it was thought under, which an earlier run may have had otherwise; and
// it is wanted back only for the turn that still waits for results.
function inCurrentTurn(given: readonly AgentMessage[]): Parameters<typeof toAnthropicPrompt> {
  const { messages, dataOf } = toProviderMessages(given, PROVIDER)
  const current = new Set(messages.slice(messages.findLastIndex(({ role }) => role === 'user') + 1))
  // What this client gave the runtime to keep.
  return [
    messages,
    (message) => (current.has(message) ? (dataOf(message) as Block[] | undefined) : undefined),
  ]
}

function toFailure(error: InstanceType<typeof Anthropic.APIError>) {
  const { status, headers, type, errorCode, apiMessage } = error
  return { status, headers, type, code: errorCode, message: apiMessage }
}
