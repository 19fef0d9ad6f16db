import type OpenAI from 'openai'
import { ConfigError } from '../../config/config-error.ts'
import { PROVIDERS } from '../../config/providers.ts'
import { loadSdk } from './load-sdk.ts'
import type { Model, ModelChunk, ModelRequest } from '../../ports/model.ts'
import { isFrom } from './chat-data.ts'
import { chatRemedies } from './chat-remedies.ts'
import { fromChatEvents } from './chunks.ts'
import { toChatChoice, toChatMessage, toChatTool } from './messages.ts'
import { toResponsesBody, responsesRemedies } from './responses-body.ts'
import { fromResponseEvents } from './responses-events.ts'
import { askProvider, toClientOptions } from '../provider/ask-provider.ts'
import type { Provider } from '../provider/provider-error.ts'
import { merged } from '../provider/history.ts'
import { type Fetch, providerFetch } from '../provider/provider-fetch.ts'
import { toValidMessages } from '../provider/provider-messages.ts'
import { type Body, createRemedies } from '../provider/remedies.ts'

export interface OpenAIModelOptions {
  /** Default: `gpt-5.6-terra`. */
  model?: string
  /**
   * Which of OpenAI's interfaces to speak: `responses` has models think between the calls of tools, and is OpenAI's own; nearly every
   * other server speaks `chat`. Default: `chat`.
   */
  api?: 'chat' | 'responses'
  /** What the server is called, where that is not OpenAI: in errors, and for what is stored for it alone. Default: `openai`. */
  provider?: string
  /** Default: the environment's `OPENAI_API_KEY`. */
  apiKey?: string
  /** Another server that speaks OpenAI's chat completions. Default: the environment's `OPENAI_BASE_URL`, else OpenAI. */
  baseURL?: string
  /** Tries after the first when a request fails before anything streamed. Default: 2. */
  maxRetries?: number
  /** Milliseconds until the answer has to begin. Default: the SDK's, 10 minutes. */
  timeoutMs?: number
  /** Sends the requests: `createRecorder`'s of `trpc-agent-runtime/testing`, for one. Default: the process's. */
  fetch?: Fetch
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
  const called = options.provider ?? PROVIDER
  const provider: Provider = { ...titleOf(called), apiKey }

  let client: OpenAI | undefined
  const extra = options.extra ?? {}
  const kept = new Set(Object.keys(extra))
  const isChat = options.api !== 'responses'
  const ask = createRemedies(isChat ? chatRemedies(kept) : responsesRemedies(kept))

  async function* stream(
    request: ModelRequest,
    given: AbortSignal,
    onActivity: () => void = () => {},
  ): AsyncGenerator<ModelChunk, void, undefined> {
    given.throwIfAborted()
    const sdk = await loadSdk()
    client ??= new sdk.OpenAI(toClientOptions({ ...options, apiKey: provider.apiKey }))
    const openai = client.withOptions({ fetch: providerFetch(onActivity, options.fetch) })
    const server = new URL(client.baseURL).host
    yield* askProvider({
      provider,
      signal: given,
      ask,
      body: () => (isChat ? toBody : toResponsesBody)(request, { provider: called, name, extra, server }),
      // The fields that a body has are OpenAI's and the caller's.
      send: (body, signal) =>
        isChat
          ? openai.chat.completions
              .create(body as unknown as OpenAI.ChatCompletionCreateParamsStreaming, { signal })
              .asResponse()
          : openai.responses
              .create(body as unknown as OpenAI.Responses.ResponseCreateParamsStreaming, { signal })
              .asResponse(),
      // A connection error is an API error without an answer.
      failureOf: (error) =>
        error instanceof sdk.APIError && !(error instanceof sdk.APIConnectionError)
          ? toFailure(error)
          : undefined,
      read: (events, toError) => (isChat ? fromChatEvents : fromResponseEvents)(events, { server, toError }),
    })
  }

  return { provider: called, name, stream, prepare: async () => void (await loadSdk()) }
}

function titleOf(provider: string): Pick<Provider, 'title' | 'keyVariable'> {
  const known: Record<string, Pick<Provider, 'title' | 'keyVariable'>> = PROVIDERS
  return known[provider] ?? { title: provider, keyVariable: 'its API key' }
}

function toBody(
  request: ModelRequest,
  {
    provider,
    name,
    extra,
    server,
  }: Record<'provider' | 'name' | 'server', string> & { extra: Record<string, unknown> },
): Body {
  const { tools, maxOutputTokens, temperature, reasoningEffort, stop, responseSchema } = request
  const { messages, dataOf } = toValidMessages(request.messages, provider, (data) => isFrom(data, server))
  const history = merged(messages, (message) => dataOf(message) !== undefined)
  return {
    model: name,
    messages: history.map((message) => toChatMessage(message, { data: dataOf(message), server })),
    ...(tools === undefined || tools.length === 0
      ? {}
      : { tools: tools.map(toChatTool), ...toChatChoice(request.toolChoice) }),
    ...(maxOutputTokens === undefined ? {} : { max_completion_tokens: maxOutputTokens }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(reasoningEffort === undefined ? {} : { reasoning_effort: reasoningEffort }),
    ...(stop === undefined || stop.length === 0 ? {} : { stop }),
    ...(responseSchema === undefined
      ? {}
      : { response_format: { type: 'json_schema', json_schema: responseSchema } }),
    ...extra,
    stream: true,
    stream_options: { include_usage: true },
  }
}

function toFailure(error: InstanceType<typeof OpenAI.APIError>) {
  const { status, headers, type, param } = error
  // Whatever the type says: some servers write a number.
  const code: unknown = error.code
  return {
    status,
    headers,
    type,
    param,
    code: typeof code === 'number' ? String(code) : (code as string | null | undefined),
    message: error.message,
  }
}
