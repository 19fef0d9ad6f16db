// The parts of both sides: the frameworks' own models and agents, of a provider with a given pace.
import { fileURLToPath } from 'node:url'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { MessagesAnnotation, START, StateGraph } from '@langchain/langgraph'
import { ChatOpenAI } from '@langchain/openai'
import { Agent, OpenAIChatCompletionsModel } from '@openai/agents'
import OpenAI from 'openai'
import type { Pace } from './load.ts'

const apiKey = 'key'

/** @param baseURL of the provider */
export function createParts(baseURL: string, pace: Pace) {
  const client = new OpenAI({ apiKey, baseURL, maxRetries: 0 })
  const chat = new ChatOpenAI({ model: pace, apiKey, maxRetries: 0, configuration: { baseURL } })
  return {
    client,
    graph: new StateGraph(MessagesAnnotation)
      .addNode('model', async ({ messages }) => ({ messages: [await chat.invoke(messages)] }))
      .addEdge(START, 'model')
      .compile(),
    agent: new Agent({ name: 'Bench', model: new OpenAIChatCompletionsModel(client, pace) }),
    languageModel: createOpenAICompatible({ name: 'bench', apiKey, baseURL, includeUsage: true })(pace),
    openai: { apiKey, baseURL, model: pace },
  }
}

export type Parts = Record<Pace, ReturnType<typeof createParts>>

const pathTo = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

/** Starts Python with the program of both sides. */
export const program = (baseURL: string, args: readonly string[] = []) => ({
  command: 'python3',
  args: [pathTo('answer.py'), ...args],
  env: { PROVIDER_URL: baseURL, PYTHONPATH: pathTo('../../python') },
})
