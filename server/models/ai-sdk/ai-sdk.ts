import { ConfigError } from '../../config/config-error.ts'
import { MODEL_PROVIDERS, either } from '../../config/providers.ts'
import type { Model, ModelChunk, ModelRequest } from '../../ports/model.ts'
import { streamFrom } from '../provider/provider-stream.ts'
import { toldSchema } from '../provider/told-schema.ts'
import { toError } from './failure.ts'
import { createFileWriter } from './files.ts'
import { toPrompt } from './prompt.ts'
import { fromStreamParts } from './stream.ts'

/** What is used of a `LanguageModel` of the AI SDK, whichever package it is from. */
export interface AISDKLanguageModel {
  readonly specificationVersion: string
  readonly provider: string
  readonly modelId: string
  readonly supportedUrls?: PromiseLike<Record<string, RegExp[]>> | Record<string, RegExp[]>
  doStream(options: object): PromiseLike<{ stream: AsyncIterable<unknown> }>
}

export interface AISDKModelOptions {
  /** What the provider is called: in errors, for prices, and for what is stored for it alone. Default: what the model says, e.g. `openai.responses`. */
  provider?: string
  /** Options of the provider's own for each call, e.g. `{ openai: { serviceTier: 'flex' } }`. */
  providerOptions?: Record<string, Record<string, unknown>>
}

const VERSIONS = ['v3', 'v4'] as const

/**
 * Any language model of the AI SDK: of `@ai-sdk/openai`, `@ai-sdk/google` or a provider of the community. Only the provider's package is
 * needed. Parts that its provider wants back (`providerMetadata`, thoughts, what its own tools did) go back unchanged.
 *
 * @throws ConfigError for a model of another specification than v3 and v4.
 * @example
 * createAgentRuntime({ agents, model: createAISDKModel(google('gemini-3-pro')) })
 */
export function createAISDKModel(model: AISDKLanguageModel, options: AISDKModelOptions = {}): Model {
  const specification = specificationOf(model)
  const provider = options.provider ?? apart(model.provider)
  const { providerOptions } = options

  async function* stream(
    request: ModelRequest,
    given: AbortSignal,
    onActivity: () => void = () => {},
  ): AsyncGenerator<ModelChunk, void, undefined> {
    const over = new AbortController()
    const abortSignal = AbortSignal.any([given, over.signal])
    const fail = (error?: unknown) => toError(provider, error)
    const open = async () => {
      const supportedUrls = (await model.supportedUrls) ?? {}
      const files = createFileWriter({ specification, provider: model.provider, supportedUrls })
      const prompt = toPrompt(withSchema(request), { provider, files })
      const call = { ...toSettings(request), prompt: marked(prompt, request), abortSignal }
      const { stream: parts } = await model.doStream({ ...call, ...(providerOptions && { providerOptions }) })
      return parts
    }
    try {
      const parts = streamFrom(open, given, fail)
      yield* fromStreamParts(parts, { toError: fail, onActivity })
    } finally {
      // Whoever stops reading ends the request too.
      over.abort()
    }
  }

  return { provider, name: model.modelId, stream }
}

function specificationOf({ specificationVersion, modelId }: AISDKLanguageModel): 'v3' | 'v4' {
  const known = VERSIONS.find((version) => version === specificationVersion)
  if (known !== undefined) return known
  throw new ConfigError(
    `createAISDKModel takes models of the AI SDK's specification ${either(VERSIONS)}, and "${modelId}" is of ${specificationVersion}: take another version of its package.`,
  )
}

/** What is stored for the client of that provider is not of this one's form. */
function apart(provider: string): string {
  return (MODEL_PROVIDERS as readonly string[]).includes(provider) ? `${provider}.ai-sdk` : provider
}

/** Many models are not held to a schema, and don't say so. */
function withSchema({ messages, responseSchema }: ModelRequest): ModelRequest['messages'] {
  if (responseSchema === undefined) return messages
  return [{ role: 'system', content: toldSchema(responseSchema) }, ...messages]
}

const toNamedChoice = ({ tool }: { tool: string }) => ({ type: 'tool', toolName: tool })

function toSettings({
  tools = [],
  toolChoice = 'auto',
  maxOutputTokens,
  temperature,
  reasoningEffort,
  stop = [],
  responseSchema,
}: ModelRequest): object {
  return {
    ...(tools.length === 0
      ? {}
      : {
          tools: tools.map(({ name, description, parameters }) => ({
            type: 'function',
            name,
            description,
            inputSchema: parameters,
          })),
          toolChoice: typeof toolChoice === 'string' ? { type: toolChoice } : toNamedChoice(toolChoice),
        }),
    ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
    ...(temperature === undefined ? {} : { temperature }),
    ...(reasoningEffort === undefined ? {} : { reasoning: reasoningEffort }),
    ...(stop.length === 0 ? {} : { stopSequences: [...stop] }),
    ...(responseSchema === undefined
      ? {}
      : { responseFormat: { type: 'json', name: responseSchema.name, schema: responseSchema.schema } }),
  }
}

/** Anthropic alone has to be told what to keep, which is all before the mark. */
function marked(prompt: ReturnType<typeof toPrompt>, { promptCache }: ModelRequest): object[] {
  if (promptCache !== true) return prompt
  const providerOptions = { anthropic: { cacheControl: { type: 'ephemeral' } } }
  return prompt.map((message, index) =>
    index === prompt.length - 1 ? { ...message, providerOptions } : message,
  )
}
