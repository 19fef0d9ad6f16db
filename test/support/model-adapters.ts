// Every model client, with the format of its provider.
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { createAISDKModel } from '../../server/models/ai-sdk/index.ts'
import { createAnthropicModel } from '../../server/models/anthropic/index.ts'
import { createOpenAIModel } from '../../server/models/openai/index.ts'
import type { Model } from '../../server/ports/model.ts'
import { anthropicWire, chatWire, responsesWire } from './model-wires.ts'
import type { Wire } from './model-wires.ts'

interface Adapter {
  wire: Wire
  create(url: string): Model
}

const options = { apiKey: 'sk-test', maxRetries: 0 }
export const MODEL_ADAPTERS: Record<string, Adapter> = {
  'OpenAI’s chat completions': {
    wire: chatWire,
    create: (baseURL) => createOpenAIModel({ ...options, baseURL }),
  },
  'OpenAI’s responses': {
    wire: responsesWire,
    create: (baseURL) => createOpenAIModel({ ...options, baseURL, api: 'responses' }),
  },
  Anthropic: { wire: anthropicWire, create: (baseURL) => createAnthropicModel({ ...options, baseURL }) },
  LiteLLM: {
    wire: chatWire,
    create: (baseURL) => createOpenAIModel({ ...options, baseURL, provider: 'litellm' }),
  },
  'a model of the AI SDK': {
    wire: chatWire,
    create: (baseURL) =>
      createAISDKModel(
        createOpenAICompatible({
          name: 'acme',
          apiKey: 'sk-test',
          baseURL,
          includeUsage: true,
          supportsStructuredOutputs: true,
        })('one'),
      ),
  },
}
