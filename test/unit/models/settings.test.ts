// Settings of an answer, in each provider's form.
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { createLlm } from '../../../server/agent/llm.ts'
import { createAnthropicModel } from '../../../server/models/anthropic/anthropic.ts'
import { createOpenAIModel } from '../../../server/models/openai/openai.ts'
import type { Model } from '../../../server/ports/model.ts'
import { start, stop, text } from '../../support/anthropic-stream.ts'
import { collect, fakeProvider, refused, streamed } from '../../support/model-provider.ts'

const provider = fakeProvider('https://*')
const openai = () => createOpenAIModel({ apiKey: 'sk-test', maxRetries: 0 })
const anthropic = (extra = {}) => createAnthropicModel({ apiKey: 'sk-ant-test', maxRetries: 0, extra })
const hello = { messages: [{ role: 'user' as const, content: 'Hello' }] }
const settings = { reasoningEffort: 'low', stop: ['END'], promptCache: true, temperature: 0.2 } as const

const chatAnswer = (said: string) =>
  streamed([
    `data: ${JSON.stringify({ choices: [{ delta: { content: said }, finish_reason: 'stop' }] })}\n\n`,
  ])
const anthropicAnswer = (said: string) => streamed([start, ...text(0, said), ...stop('end_turn')])

test('OpenAI', async () => {
  provider.answerWith(chatAnswer('Hi'))
  await collect(openai(), { ...hello, ...settings })
  expect(provider.bodies[0]).toMatchObject({ reasoning_effort: 'low', stop: ['END'], temperature: 0.2 })
})

test('Anthropic', async () => {
  provider.answerWith(anthropicAnswer('Hi'), anthropicAnswer('Hi'))
  await collect(anthropic({ output_config: { effort: 'max' } }), { ...hello, ...settings })
  await collect(anthropic(), { ...hello, reasoningEffort: 'none', stop: [] })
  expect(provider.bodies).toMatchObject([
    { stop_sequences: ['END'], cache_control: { type: 'ephemeral' }, output_config: { effort: 'max' } },
    { thinking: { type: 'disabled' } },
  ])
  expect(provider.bodies[1]).not.toHaveProperty('stop_sequences')
})

const offered = { tools: [{ name: 'look', description: 'Looks', parameters: { type: 'object' } }] }

test('whether OpenAI may call tools', async () => {
  provider.answerWith(chatAnswer('Hi'), chatAnswer('Hi'), chatAnswer('Hi'))
  await collect(openai(), { ...hello, ...offered, toolChoice: 'required' })
  await collect(openai(), { ...hello, ...offered, toolChoice: { tool: 'look' } })
  await collect(openai(), { ...hello, toolChoice: 'none' })
  expect(provider.bodies).toMatchObject([
    { tool_choice: 'required' },
    { tool_choice: { type: 'function', function: { name: 'look' } } },
    {},
  ])
  // Without tools it is refused.
  expect(provider.bodies[2]).not.toHaveProperty('tool_choice')
})

test('whether Anthropic may call tools, as far as its model thinks', async () => {
  const message = 'Thinking may not be enabled when tool_choice forces tool use.'
  const answers = [anthropicAnswer('Hi'), refused(400, { error: { message } }), anthropicAnswer('Hi')]
  provider.answerWith(...answers, anthropicAnswer('Hi'))
  const model = anthropic()
  await collect(model, { ...hello, ...offered, toolChoice: 'required' })
  await collect(model, { ...hello, ...offered, toolChoice: { tool: 'look' } })
  await collect(model, { ...hello, ...offered, toolChoice: 'none' })
  expect(provider.bodies).toMatchObject([
    { tool_choice: { type: 'any' } },
    { tool_choice: { type: 'tool', name: 'look' } },
    { tool_choice: { type: 'auto' } },
    { tool_choice: { type: 'none' } },
  ])
})

test.for<[string, () => Model]>([
  ['OpenAI', openai],
  ['Anthropic', anthropic],
])('what %s can’t carry is told before anything is sent', async ([, createModel]) => {
  const part = { type: 'audio' as const, url: 'data:audio/ogg;base64,T2dn' }
  await expect(
    collect(createModel(), { messages: [{ role: 'user', content: [part] }] }),
  ).rejects.toMatchObject({ retriable: false, message: expect.stringContaining('audio') })
  expect(provider.bodies).toHaveLength(0)
})

describe.for<[string, () => Model, (said: string) => () => Response, object]>([
  ['OpenAI', openai, chatAnswer, { error: { message: 'response_format is not supported' } }],
  [
    'Anthropic',
    anthropic,
    anthropicAnswer,
    { error: { message: 'output_config.format: schema is too complex' } },
  ],
])('an answer in the form of a schema, at %s', ([, createModel, answer, refusal]) => {
  const schema = z.object({ city: z.string(), degrees: z.number().optional() })
  const llm = (model = createModel()) =>
    createLlm(model, { signal: new AbortController().signal, find: () => model })
  const json = '{"city":"Rome"}'

  test('is asked for with the request, and read', async () => {
    provider.answerWith(answer(json))
    const { object } = await llm().generate('Where?', { schema })
    expect(object).toEqual({ city: 'Rome' })
    const sent = JSON.stringify(provider.bodies[0])
    expect(sent).toContain('"additionalProperties":false')
    expect(sent).toContain('json_schema')
  })

  test('is told in words where the server can’t hold the model to it', async () => {
    provider.answerWith(refused(400, refusal), answer(`Sure:\n\`\`\`json\n${json}\n\`\`\``), answer(json))
    const model = createModel()
    expect((await llm(model).generate('Where?', { schema })).object).toEqual({ city: 'Rome' })
    expect((await llm(model).generate('Where?', { schema })).object).toEqual({ city: 'Rome' })
    expect(provider.bodies).toHaveLength(3)
    expect(JSON.stringify(provider.bodies[2])).toContain('fits this JSON Schema')
  })

  test('is asked for once more when it does not fit, and then is an error', async () => {
    provider.answerWith(answer('{"city":1}'), answer(json))
    const { object, usage } = await llm().generate('Where?', { schema })
    expect(object).toEqual({ city: 'Rome' })
    expect(usage).toHaveProperty('outputTokens')
    expect(JSON.stringify(provider.bodies[1])).toContain('not the form')
    provider.answerWith(answer('I do not know.'), answer('Really.'))
    await expect(llm().generate('Where?', { schema })).rejects.toMatchObject({
      name: 'ModelError',
      retriable: true,
    })
  })

  test('may be a list, which is put into an object', async () => {
    provider.answerWith(answer('{"value":["Rome"]}'))
    expect((await llm().generate('Where?', { schema: z.array(z.string()) })).object).toEqual(['Rome'])
  })
})
