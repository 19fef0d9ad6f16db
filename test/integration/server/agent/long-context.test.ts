// A loop whose messages exceed its model's window.
import { describe, expect } from 'vitest'
import { z } from 'zod'
import { createScriptedModel } from '../../../../server/models/scripted.ts'
import type { ScriptedTurn } from '../../../../server/models/scripted.ts'
import { ModelError, PRICES, defineAgent, defineTool, toolLoop } from '../../../../server/index.ts'
import type { AgentMessage, Compaction, Model, ModelRequest } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'

interface Messages {
  final_messages: { content: string }[]
}

const ALL = 'events?include_all=1'
/** About 250 tokens. */
const long = (word: string) => `${word} `.repeat(1_000 / (word.length + 1))

const read = defineTool({
  name: 'read',
  description: 'Reads a file',
  input: z.object({ file: z.string() }),
  execute: ({ file }) => long(file),
})

const reads = (...files: string[]) => ({
  toolCalls: files.map((file) => ({ name: 'read', arguments: { file } })),
})

const readerOf = (compaction: boolean | Compaction, afterwards: (attempt: number) => void = () => {}) =>
  defineAgent({
    key: 'reader',
    maxAttempts: 3,
    async run(ctx) {
      const reply = await toolLoop(ctx, { tools: [read], system: 'Be brief.', compaction })
      afterwards(ctx.attempt)
      return { output: { text: reply.text, usage: { ...reply.usage } }, messages: reply.messages }
    },
  })

const isSummary = ({ messages: [first] }: ModelRequest) =>
  JSON.stringify(first?.content).includes('You are given the older part')
const summariesOf = (requests: readonly ModelRequest[]) => requests.filter(isSummary)
const answersOf = (requests: readonly ModelRequest[]) => requests.filter((request) => !isSummary(request))

/** Each result follows its call, and each call has its result. */
function expectPaired(messages: readonly AgentMessage[]) {
  const open = new Set<string>()
  for (const message of messages) {
    if (message.role === 'tool') expect(open.delete(message.toolCallId)).toBe(true)
    else expect([...open]).toEqual([])
    if (message.role === 'assistant') for (const { id } of message.toolCalls ?? []) open.add(id)
  }
  expect([...open]).toEqual([])
}

const script: ScriptedTurn[] = [
  reads('a', 'b'),
  reads('c', 'd'),
  { text: 'They read a, b.', usage: { inputTokens: 700, outputTokens: 20 } },
  { text: 'All read.' },
]

describe('a loop that sums up', () => {
  test('sends a summary in place of older turns, and keeps the conversation whole', async ({
    createServer,
  }) => {
    const model = createScriptedModel(script)
    const { rest } = await createServer({ agents: [readerOf({ contextWindow: 1_200 })], model })
    const id = await rest.create('reader', { messages: [{ role: 'user', content: 'Read a, b, c.' }] })
    const events = await rest.events(`runs/${id}/${ALL}`)
    expect(events.at(-1)).toMatchObject({
      type: 'run.succeeded',
      output: { text: 'All read.', usage: { inputTokens: 700, outputTokens: 20 } },
    })
    const [request] = summariesOf(model.requests)
    expect(JSON.stringify(request)).toContain('[calls read as')
    const last = answersOf(model.requests).at(-1)
    expect(last?.messages.map(({ role }) => role)).toEqual([
      'system',
      'user',
      'user',
      'assistant',
      'tool',
      'tool',
    ])
    expect(last?.messages[1]?.content).toContain('They read a, b.')
    expect(last?.messages[2]?.content).toBe('Read a, b, c.')
    expectPaired(last?.messages ?? [])
    expect(events.filter(({ type }) => type === 'context.compacted')).toMatchObject([
      { summary: 'They read a, b.', messages: 3, visibility_level: 'debug' },
    ])
    const { body } = await rest.get(`runs/${id}`)
    const said = (body['output'] as Messages).final_messages.map(({ content }) => content)
    expect(said).toContain(long('a'))
    expect(said.join(' ')).not.toContain('They read a, b.')
  })

  test('asks for a summary once, whatever crashes and waits', async ({ createServer }) => {
    const model = createScriptedModel(script)
    const agent = readerOf({ contextWindow: 1_200 }, (attempt) => {
      if (attempt < 3) throw new Error('crash')
    })
    const { rest } = await createServer({ agents: [agent], model })
    const id = await rest.create('reader', { messages: [{ role: 'user', content: 'Read.' }] })
    const events = await rest.events(`runs/${id}/${ALL}`)
    expect(events.at(-1)).toMatchObject({ type: 'run.succeeded', attempt: 3 })
    expect(model.requests).toHaveLength(4)
    expect(events.filter(({ type }) => type === 'context.compacted')).toHaveLength(1)
    expect(events.filter(({ type }) => type === 'usage')).toHaveLength(4)
    // The tokens of the summary count towards the run.
    expect(events.at(-1)).toMatchObject({ usage: { input_tokens: 700 } })
  })

  test('goes by what the provider has counted rather than by its own estimate', async ({ createServer }) => {
    const counted = (inputTokens: number) => ({ ...reads('a'), usage: { inputTokens, outputTokens: 10 } })
    const few = createScriptedModel([counted(100), counted(100), counted(100), { text: 'Done.' }])
    const agent = readerOf({ contextWindow: 1_200, threshold: 0.8 })
    const first = await createServer({ agents: [agent], model: few })
    const one = await first.rest.create('reader', { messages: [{ role: 'user', content: 'Read.' }] })
    expect((await first.rest.events(`runs/${one}/${ALL}`)).at(-1)).toMatchObject({ type: 'run.succeeded' })
    expect(summariesOf(few.requests)).toEqual([])
    await first.runtime.stop()

    const many = createScriptedModel([counted(100), counted(1_000), { text: 'Twice a.' }, { text: 'Done.' }])
    const { rest } = await createServer({ agents: [agent], model: many })
    const id = await rest.create('reader', { messages: [{ role: 'user', content: 'Read.' }] })
    expect((await rest.events(`runs/${id}/${ALL}`)).at(-1)).toMatchObject({ type: 'run.succeeded' })
    expect(summariesOf(many.requests)).toHaveLength(1)
  })

  test('has a history that no window holds summed up piece by piece', async ({ createServer }) => {
    const model = createScriptedModel([
      { text: 'first' },
      { text: 'second' },
      { text: 'third' },
      { text: 'Hello.' },
    ])
    const { rest } = await createServer({ agents: [readerOf({ contextWindow: 1_200 })], model })
    const messages = ['a', 'b', 'c', 'd', 'e', 'f'].map((word) => ({ role: 'user', content: long(word) }))
    const id = await rest.create('reader', { messages: [...messages, { role: 'user', content: 'Hi' }] })
    expect((await rest.events(`runs/${id}/${ALL}`)).at(-1)).toMatchObject({ output: { text: 'Hello.' } })
    expect(summariesOf(model.requests)).toHaveLength(3)
    expect(JSON.stringify(summariesOf(model.requests)[1])).toContain('first')
    for (const request of model.requests) expect(JSON.stringify(request).length).toBeLessThan(4_000)
  })

  test('knows the window of a model from the table of prices', async ({ createServer }) => {
    expect(PRICES['openai/gpt-4o']?.contextWindow).toBe(128_000)
    const model = createScriptedModel(script)
    const prices = { 'scripted/scripted': { input: 0, output: 0, contextWindow: 1_200 } }
    const { rest } = await createServer({ agents: [readerOf(true)], model, prices })
    const id = await rest.create('reader', { messages: [{ role: 'user', content: 'Read.' }] })
    expect((await rest.events(`runs/${id}/${ALL}`)).at(-1)).toMatchObject({ output: { text: 'All read.' } })
    expect(summariesOf(model.requests)).toHaveLength(1)
  })

  test('sums up once its provider refuses, where the window is not known', async ({ createServer }) => {
    const scripted = createScriptedModel([
      reads('a'),
      reads('b'),
      { error: new ModelError('too long', { code: 'context_overflow', retriable: false }) },
      { text: 'They read a.' },
      { text: 'All read.' },
    ])
    const { rest, log } = await createServer({ agents: [readerOf(true)], model: scripted })
    const id = await rest.create('reader', { messages: [{ role: 'user', content: 'Read.' }] })
    expect((await rest.events(`runs/${id}/${ALL}`)).at(-1)).toMatchObject({ output: { text: 'All read.' } })
    expectPaired(scripted.requests.at(-1)?.messages ?? [])
    expect(log.filter(({ message }) => message.includes('the window of a model is not known'))).toHaveLength(
      1,
    )
  })

  test('fails as without where nothing is left to sum up', async ({ createServer }) => {
    const refusal = { error: new ModelError('too long', { code: 'context_overflow', retriable: false }) }
    const model = createScriptedModel([refusal])
    const { rest } = await createServer({ agents: [readerOf({ contextWindow: 10 })], model })
    const id = await rest.create('reader', { messages: [{ role: 'user', content: long('all') }] })
    expect((await rest.events(`runs/${id}/${ALL}`)).at(-1)).toMatchObject({
      type: 'run.failed',
      code: 'model_error',
    })
    expect(model.requests).toHaveLength(1)
  })

  test('has a function of its own sum up, once', async ({ createServer }) => {
    const seen: { messages: number; idempotencyKey: string }[] = []
    const summarise: Compaction['summarise'] = ({ messages, idempotencyKey }) => {
      seen.push({ messages: messages.length, idempotencyKey })
      return 'mine'
    }
    const model = createScriptedModel([reads('a', 'b'), reads('c', 'd'), { text: 'All read.' }])
    const agent = readerOf({ contextWindow: 1_200, summarise }, (attempt) => {
      if (attempt < 2) throw new Error('crash')
    })
    const { rest } = await createServer({ agents: [agent], model })
    const id = await rest.create('reader', { messages: [{ role: 'user', content: 'Read.' }] })
    expect((await rest.events(`runs/${id}/${ALL}`)).at(-1)).toMatchObject({ output: { text: 'All read.' } })
    expect(seen).toEqual([{ messages: 3, idempotencyKey: expect.stringContaining(id) }])
    expect(model.requests.at(-1)?.messages[1]?.content).toContain('mine')
  })

  test('has another model sum up, which counts towards the run', async ({ createServer }) => {
    const usage = { inputTokens: 30, outputTokens: 3 }
    const other: Model = createScriptedModel([{ text: 'by another', usage }], { name: 'small' })
    const model = createScriptedModel([reads('a', 'b'), reads('c', 'd'), { text: 'All read.' }])
    const { rest } = await createServer({
      agents: [readerOf({ contextWindow: 1_200, model: other })],
      model,
    })
    const id = await rest.create('reader', { messages: [{ role: 'user', content: 'Read.' }] })
    const events = await rest.events(`runs/${id}/${ALL}`)
    expect(events.filter(({ type }) => type === 'usage')).toContainEqual(
      expect.objectContaining({ model: 'small', input_tokens: 30 }),
    )
    expect(events.at(-1)).toMatchObject({ usage: { input_tokens: 30, output_tokens: 3 } })
  })
})
