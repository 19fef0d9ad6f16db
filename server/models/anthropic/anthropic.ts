import type Anthropic from '@anthropic-ai/sdk'
import { ConfigError } from '../../config/config-error.ts'
import { PROVIDERS } from '../../config/providers.ts'
import type { AgentMessage } from '../../contract/message.ts'
import { textOf } from '../../contract/text-of.ts'
import { fromMessageEvents } from './events.ts'
import { anthropicRemedies } from './remedies.ts'
import { PROVIDER, toAnthropicPrompt, toAnthropicTool } from './messages.ts'
import type { AnthropicPrompt, Block } from './messages.ts'
import { loadSdk } from './load-sdk.ts'
import type { Model, ModelChunk, ModelRequest, ToolChoice } from '../../ports/model.ts'
import { PROMPT } from '../provider/history.ts'
import { askProvider, toClientOptions } from '../provider/ask-provider.ts'
import type { Provider } from '../provider/provider-error.ts'
import { toValidMessages } from '../provider/provider-messages.ts'
import { type Body, createRemedies } from '../provider/remedies.ts'
import { type Fetch, providerFetch } from '../provider/provider-fetch.ts'

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
  /** Sends the requests: `createRecorder`'s of `trpc-agent-runtime/testing`, for one. Default: the process's. */
  fetch?: Fetch
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
  const extra = options.extra ?? {}
  const ask = createRemedies(anthropicRemedies(new Set(Object.keys(extra))))

  async function* stream(
    request: ModelRequest,
    given: AbortSignal,
    onActivity: () => void = () => {},
  ): AsyncGenerator<ModelChunk, void, undefined> {
    given.throwIfAborted()
    const sdk = await loadSdk()
    client ??= new sdk.Anthropic(toClientOptions({ ...options, apiKey: provider.apiKey }))
    const anthropic = client.withOptions({ fetch: providerFetch(onActivity, options.fetch) })
    yield* askProvider({
      provider,
      signal: given,
      ask,
      body: () => toBody(request, name, extra),
      send: (body, signal) =>
        anthropic.messages
          // The fields that it has are Anthropic's and the caller's.
          .create(body as unknown as Anthropic.MessageCreateParamsStreaming, { signal })
          .asResponse(),
      // A connection error is an API error without an answer.
      failureOf: (error) =>
        error instanceof sdk.APIError && !(error instanceof sdk.APIConnectionError)
          ? toFailure(error)
          : undefined,
      read: fromMessageEvents,
    })
  }

  return { provider: PROVIDER, name, stream, prepare: async () => void (await loadSdk()) }
}

function toBody(request: ModelRequest, name: string, extra: Record<string, unknown>): Body {
  const { tools, maxOutputTokens, temperature, stop, promptCache } = request
  const outputConfig = { ...toOutputConfig(request), ...(extra['output_config'] as object | undefined) }
  const prompt = toAnthropicPrompt(...inCurrentTurn(request.messages))
  const { system } = prompt
  const messages = validTurns(prompt.messages)
  return {
    model: name,
    max_tokens: maxOutputTokens ?? DEFAULT_MAX_OUTPUT_TOKENS,
    messages,
    ...(system === undefined ? {} : { system }),
    ...(tools === undefined || tools.length === 0
      ? toUnavailableTools(messages, extra)
      : { tools: tools.map(toAnthropicTool), ...toToolChoice(request.toolChoice) }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(stop === undefined || stop.length === 0 ? {} : { stop_sequences: stop }),
    ...(request.reasoningEffort === 'none' ? { thinking: { type: 'disabled' } } : {}),
    ...(promptCache === true ? { cache_control: { type: 'ephemeral' } } : {}),
    ...extra,
    ...(Object.keys(outputConfig).length === 0 ? {} : { output_config: outputConfig }),
    stream: true,
  }
}

/** Anthropic refuses calls and results of tools where a request defines none: those that were called are, and may not be called again. */
function toUnavailableTools(messages: AnthropicPrompt['messages'], extra: Record<string, unknown>): object {
  // Anthropic's own, which may be called.
  if ('tools' in extra) return {}
  const blocks = messages.flatMap(({ content }) => content)
  const names = new Set(blocks.flatMap((block) => (block.type === 'tool_use' ? [block.name] : [])))
  if (names.size === 0) return {}
  const tools = [...names].map((name) =>
    toAnthropicTool({ name, description: 'Not available now.', parameters: { type: 'object' } }),
  )
  return { tools, ...toToolChoice('none') }
}

function toToolChoice(choice: ToolChoice | undefined): object {
  if (choice === undefined) return {}
  if (typeof choice !== 'string') return { tool_choice: { type: 'tool', name: choice.tool } }
  return { tool_choice: { type: choice === 'required' ? 'any' : choice } }
}

function toOutputConfig({ reasoningEffort, responseSchema }: ModelRequest): object {
  return {
    ...(reasoningEffort === undefined || reasoningEffort === 'none' ? {} : { effort: reasoningEffort }),
    ...(responseSchema === undefined
      ? {}
      : { format: { type: 'json_schema', schema: responseSchema.schema } }),
  }
}

/** Anthropic wants the user to speak first, and no white space at the end of what it is to go on with. */
function validTurns(turns: AnthropicPrompt['messages']): AnthropicPrompt['messages'] {
  const last = turns.at(-1)
  const block = last?.content.at(-1)
  const trimmed =
    last?.role === 'assistant' && block?.type === 'text'
      ? [
          ...turns.slice(0, -1),
          { ...last, content: [...last.content.slice(0, -1), { ...block, text: block.text.trimEnd() }] },
        ]
      : turns
  if (trimmed[0]?.role === 'user') return trimmed
  return [{ role: 'user', content: [{ type: 'text', text: textOf(PROMPT) }] }, ...trimmed]
}

// Thinking is bound to the prompt it was thought under, which an earlier run may have had otherwise; and
// it is wanted back only for the turn that still waits for results.
function inCurrentTurn(given: readonly AgentMessage[]): Parameters<typeof toAnthropicPrompt> {
  const { messages, dataOf } = toValidMessages(given, PROVIDER)
  const current = new Set(messages.slice(messages.findLastIndex(({ role }) => role === 'user') + 1))
  return [
    messages,
    (message) => {
      // What this client gave the runtime to keep.
      const blocks = dataOf(message) as Block[] | undefined
      return blocks === undefined || current.has(message) ? blocks : withoutThinking(blocks)
    },
  ]
}

/** Nor is a call of Anthropic's own tools that was never answered, in a turn that nobody goes on with. */
function withoutThinking(blocks: readonly Block[]): Block[] {
  const answered = new Set(blocks.map((block) => ('tool_use_id' in block ? block.tool_use_id : undefined)))
  return blocks.filter(
    (block) =>
      block.type !== 'thinking' &&
      block.type !== 'redacted_thinking' &&
      (block.type !== 'server_tool_use' || answered.has(block.id)),
  )
}

function toFailure(error: InstanceType<typeof Anthropic.APIError>) {
  const { status, headers, type, errorCode, apiMessage } = error
  return { status, headers, type, code: errorCode, message: apiMessage }
}
