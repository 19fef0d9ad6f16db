import type OpenAI from 'openai'
import { ConfigError } from '../../config/config.ts'
import { PROVIDERS } from '../../config/providers.ts'
import { loadSdk } from './load-sdk.ts'
import type { Model, ModelChunk, ModelRequest } from '../../ports/model.ts'
import { fromChatChunks } from './chunks.ts'
import { toChatMessage, toChatTool } from './messages.ts'
import { type Provider, toModelError } from '../provider/provider-error.ts'
import { toProviderMessages } from '../provider/provider-messages.ts'
import { streamFrom } from '../provider/provider-stream.ts'
import { watchedFetch } from '../provider/watched-fetch.ts'

export interface OpenAIModelOptions {
  /** Default: `gpt-5.6-terra`. */
  model?: string
  /** Default: the environment's `OPENAI_API_KEY`. */
  apiKey?: string
  /** Another server that speaks OpenAI's chat completions. Default: the environment's `OPENAI_BASE_URL`, else OpenAI. */
  baseURL?: string
  /** Tries after the first when a request fails before anything streamed. Default: 2. */
  maxRetries?: number
  /** Milliseconds until the answer has to begin. Default: the SDK's, 10 minutes. */
  timeoutMs?: number
  /** More fields of the request, as the provider spells them, e.g. `{ reasoning_effort: 'low' }`. */
  extra?: Record<string, unknown>
}

const PROVIDER = 'openai'

/**
 * A model at OpenAI, or at any server that speaks its chat completions. Needs the package `openai`.
 *
 * @throws ConfigError when there is no API key.
 * @example
 * createAgentRuntime({ agents, model: createOpenAIModel({ model: 'gpt-5.6-sol' }) })
 */
export function createOpenAIModel(options: OpenAIModelOptions = {}): Model {
  const name = options.model ?? PROVIDERS.openai.defaultModel
  const apiKey = options.apiKey ?? process.env[PROVIDERS.openai.keyVariable]
  if (!apiKey) throw new ConfigError('OpenAI needs an API key: set OPENAI_API_KEY or pass apiKey.')
  const provider: Provider = { ...PROVIDERS.openai, apiKey }

  let client: OpenAI | undefined
  let extra = options.extra ?? {}

  async function* stream(
    request: ModelRequest,
    signal: AbortSignal,
    onActivity: () => void = () => {},
  ): AsyncGenerator<ModelChunk, void, undefined> {
    signal.throwIfAborted()
    const sdk = await loadSdk()
    client ??= new sdk.OpenAI({
      apiKey,
      ...(options.baseURL === undefined ? {} : { baseURL: options.baseURL }),
      ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs }),
      maxRetries: options.maxRetries ?? 2,
    })
    const openai = client.withOptions({ fetch: watchedFetch(onActivity) })

    const open = async () => {
      try {
        return await openai.chat.completions.create(toBody(name, request, extra), { signal })
      } catch (error) {
        if (!wantsNoReasoning(error) || 'reasoning_effort' in extra) throw error
        extra = { ...extra, reasoning_effort: 'none' }
        return openai.chat.completions.create(toBody(name, request, extra), { signal })
      }
    }
    // From some models on, OpenAI takes tools in chat completions only with reasoning switched off, and
    // says so by refusing this one parameter, also when it was not sent.
    const wantsNoReasoning = (error: unknown) =>
      error instanceof sdk.BadRequestError &&
      error.param === 'reasoning_effort' &&
      Boolean(request.tools?.length)

    const translate = (error: unknown) => {
      // A connection error is an API error without an answer.
      const answered = error instanceof sdk.APIError && !(error instanceof sdk.APIConnectionError)
      return toModelError(provider, error, answered ? toFailure(error) : undefined)
    }
    const chunks = streamFrom(open, signal, translate)
    yield* fromChatChunks(chunks, () => toModelError(provider, undefined))
  }

  return { provider: PROVIDER, name, stream, prepare: async () => void (await loadSdk()) }
}

function toBody(
  model: string,
  request: ModelRequest,
  extra: Record<string, unknown>,
): OpenAI.ChatCompletionCreateParamsStreaming {
  const { messages, tools, maxOutputTokens, temperature } = request
  return {
    model,
    messages: toProviderMessages(messages, PROVIDER).messages.map(toChatMessage),
    ...(tools === undefined || tools.length === 0 ? {} : { tools: tools.map(toChatTool) }),
    ...(maxOutputTokens === undefined ? {} : { max_completion_tokens: maxOutputTokens }),
    ...(temperature === undefined ? {} : { temperature }),
    ...extra,
    stream: true,
    stream_options: { include_usage: true },
  }
}

function toFailure(error: InstanceType<typeof OpenAI.APIError>) {
  const { status, headers, type, code } = error
  return { status, headers, type, code, message: error.message }
}
