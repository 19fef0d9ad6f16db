// OpenAI's responses, strictly: thoughts come encrypted, and must be sent back before the call that followed
// from them.
import { isDeepStrictEqual } from 'node:util'
import { describe, expect } from 'vitest'
import { z } from 'zod'
import { defineAgent, defineTool, toolLoop } from '../../../../server/index.ts'
import { createOpenAIModel } from '../../../../server/models/openai/index.ts'
import { fakeProvider, refused, streamed } from '../../../support/model-provider.ts'
import { test } from '../../../support/runtime.ts'

const provider = fakeProvider('https://models.example/v1/responses')
const model = () =>
  createOpenAIModel({
    api: 'responses',
    apiKey: 'sk-test',
    baseURL: 'https://models.example/v1',
    maxRetries: 0,
  })

const weather = defineTool({
  name: 'get_weather',
  description: 'Weather in a city',
  input: z.object({ city: z.string(), unit: z.string() }),
  needsApproval: ({ city }) => city === 'Paris',
  execute: ({ city }) => `sunny in ${city}`,
})
const agent = defineAgent({
  key: 'agent',
  async run(ctx) {
    const reply = await toolLoop(ctx, { tools: [weather] })
    return { output: reply.text, messages: reply.messages }
  },
})

type Item = { type?: string; call_id?: string } & Record<string, unknown>

const reasoning = (id: string): Item => ({
  type: 'reasoning',
  id,
  summary: [],
  encrypted_content: `sealed ${id}`,
})
const call = (call_id: string, city: string): Item => ({
  type: 'function_call',
  id: `fc_${call_id}`,
  call_id,
  name: 'get_weather',
  arguments: `{"unit":"C","city":"${city}"}`,
  status: 'completed',
})
const message: Item = {
  type: 'message',
  role: 'assistant',
  content: [{ type: 'output_text', text: 'Sunny.' }],
}

/** The parts of each answer, in the order of the requests. Both parallel calls follow from one thought. */
const ANSWERS: readonly Item[][] = [
  [reasoning('rs_1'), call('c_1', 'Rome'), call('c_2', 'Paris')],
  [reasoning('rs_2'), call('c_3', 'Oslo')],
  [message],
]

/** Answers like OpenAI: only if a request has all earlier answers unchanged, and a result for each call. */
const strictly = () => {
  let asked = 0
  return (body: Record<string, unknown>) => {
    const known = ANSWERS.slice(0, asked).flat()
    const input = body['input'] as Item[]
    const given = input.filter(({ type }) => type === 'reasoning' || type === 'function_call')
    const outputs = input.filter(({ type }) => type === 'function_call_output').map(({ call_id }) => call_id)
    const calls = known.filter(({ type }) => type === 'function_call').map(({ call_id }) => call_id)
    if (!isDeepStrictEqual({ given, outputs }, { given: known, outputs: calls }) || body['store'] !== false) {
      const text = "Item 'fc_1' of type 'function_call' was provided without its required 'reasoning' item."
      return refused(400, { error: { message: text, type: 'invalid_request_error' } })()
    }
    const output = ANSWERS[asked] ?? []
    asked += 1
    const event = (type: string, rest: object) =>
      `event: ${type}\ndata: ${JSON.stringify({ type, ...rest })}\n\n`
    return streamed([
      ...output.map((item, output_index) => event('response.output_item.done', { output_index, item })),
      event('response.completed', { response: { object: 'response', status: 'completed', output } }),
    ])()
  }
}

describe('a loop of tools at OpenAI’s responses', () => {
  test('continues in another process after a wait, with the thoughts before each call', async ({
    createServer,
  }) => {
    const answer = strictly()
    const options = { agents: [agent], worker: false }
    const first = await createServer({ ...options, model: model() })
    const worker = await first.runtime.startWorker()
    provider.answerWith(answer)
    const id = await first.rest.create('agent', { messages: [{ role: 'user', content: 'Weather?' }] })
    await (await first.rest.stream(`runs/${id}/events`)).until('run.waiting')
    await worker.stop()
    await first.runtime.stop()

    const second = await createServer({ ...options, model: model() })
    await second.runtime.startWorker()
    await second.runtime.startWorker()
    provider.answerWith(answer, answer)
    const [wait] = (await second.rest.get(`runs/${id}`)).body['waits'] as {
      name: string
      details: { hash: string }
    }[]
    const value = { approved: true, hash: wait?.details.hash }
    await second.rest.post(`runs/${id}/respond`, { wait: wait?.name, value })
    expect((await second.rest.events(`runs/${id}/events?include_all=1`)).at(-1)).toMatchObject({
      type: 'run.succeeded',
      output: 'Sunny.',
    })
    expect(provider.bodies).toHaveLength(3)
  })
})
