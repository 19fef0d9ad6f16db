// A loop that summarises, and starts again in a later attempt, which may have other settings.
import { describe, expect } from 'vitest'
import { z } from 'zod'
import { createScriptedModel } from '../../../../server/models/scripted.ts'
import type { ScriptedTurn } from '../../../../server/models/scripted.ts'
import { ModelError, defineAgent, defineTool, toolLoop } from '../../../../server/index.ts'
import type { Compaction, ModelRequest } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'

const ALL = 'events?include_all=1'
/** About 250 tokens. */
const long = (word: string) => `${word} `.repeat(1_000 / (word.length + 1))
const history = [...['a', 'b', 'c', 'd', 'e', 'f'].map(long), 'Hi'].map((content) => ({
  role: 'user',
  content,
}))
const tooLong = { error: new ModelError('too long', { code: 'context_overflow', retriable: false }) }
const reads = (file: string) => ({ toolCalls: [{ name: 'read', arguments: { file } }] })
const down = { error: new ModelError('down', { code: 'overloaded', retriable: true }) }

interface Reader {
  compactionOf(attempt: number): true | Compaction
  /** Records each file that is read. */
  onRead?(file: string): void
  afterwards?(attempt: number): void
}

const readerOf = ({ compactionOf, onRead, afterwards }: Reader) =>
  defineAgent({
    key: 'reader',
    maxAttempts: 3,
    async run(ctx) {
      const read = defineTool({
        name: 'read',
        description: 'Reads a file',
        input: z.object({ file: z.string() }),
        execute({ file }) {
          onRead?.(file)
          return long(file)
        },
      })
      const reply = await toolLoop(ctx, { tools: [read], compaction: compactionOf(ctx.attempt) })
      afterwards?.(ctx.attempt)
      return { output: { text: reply.text }, messages: reply.messages }
    },
  })

/** Summarises with the given words. */
function createWordModel(name: string) {
  const toText = ({ messages }: ModelRequest) => JSON.stringify(messages.at(-1)?.content)
  const model = createScriptedModel([], { name })
  const asked: string[] = []
  return {
    asked,
    model: {
      ...model,
      async *stream(request: ModelRequest) {
        const text = toText(request)
        asked.push(text)
        const words = ['a', 'b', 'c', 'd', 'e', 'f'].filter((word) => text.includes(`${word} ${word} `))
        const before = /sum of ([a-f,]*)/.exec(text)?.[1]
        yield { type: 'text' as const, text: `sum of ${[before, ...words].filter(Boolean).join(',')}` }
        yield { type: 'finish' as const, reason: 'stop' as const, usage: { inputTokens: 5, outputTokens: 1 } }
      },
    },
  }
}

describe('a loop that sums up, begun again', () => {
  test('takes no summary of a part for one of the whole, when its pieces are larger', async ({
    createServer,
  }) => {
    const small = createWordModel('small')
    const large = createWordModel('large')
    const model = createScriptedModel([down, { text: 'Hello.' }])
    const agent = readerOf({
      compactionOf: (attempt) => ({
        contextWindow: 1_200,
        model: attempt === 1 ? small.model : large.model,
      }),
    })
    const price = { input: 0, output: 0 }
    const { rest } = await createServer({
      agents: [agent],
      model,
      prices: {
        'scripted/small': { ...price, contextWindow: 1_200 },
        'scripted/large': { ...price, contextWindow: 100_000 },
      },
    })
    const id = await rest.create('reader', { messages: history })
    expect((await rest.events(`runs/${id}/${ALL}`)).at(-1)).toMatchObject({ output: { text: 'Hello.' } })
    expect(small.asked.length).toBeGreaterThan(1)
    const [before, after] = model.requests.map(({ messages: [first] }) => first?.content)
    expect(before).toContain('sum of a,b,c,d,e')
    expect(after).toContain('sum of a,b,c,d,e')
  })

  test('asks for no further piece once the budget is used up', async ({ createServer }) => {
    const usage = { inputTokens: 600, outputTokens: 10 }
    const model = createScriptedModel([
      { text: 'first', usage },
      { text: 'second', usage },
      { text: 'third' },
    ])
    const agent = {
      ...readerOf({ compactionOf: () => ({ contextWindow: 1_200 }) }),
      budget: { tokens: 1_000 },
    }
    const { rest } = await createServer({ agents: [agent], model })
    const id = await rest.create('reader', { messages: history })
    const events = await rest.events(`runs/${id}/${ALL}`)
    expect(events.at(-1)).toMatchObject({ type: 'run.failed', code: 'budget_exceeded' })
    expect(model.requests).toHaveLength(2)
    expect(events.filter(({ type }) => type === 'usage')).toMatchObject([
      { input_tokens: 600 },
      { input_tokens: 600 },
    ])
  })

  test('gives less at once where a summary is cut off', async ({ createServer }) => {
    const cut: ScriptedTurn = [
      { type: 'text', text: 'They said a, b an' },
      { type: 'finish', reason: 'length', usage: { inputTokens: 600, outputTokens: 10 } },
    ]
    const model = createScriptedModel([
      cut,
      ...['one', 'two', 'three', 'four', 'five'].map((text) => ({ text })),
    ])
    const compaction = { contextWindow: 1_200, model, threshold: 0.5 }
    const other = createScriptedModel([{ text: 'Hello.' }])
    const prices = { 'scripted/scripted': { input: 0, output: 0, contextWindow: 2_400 } }
    const { rest } = await createServer({
      agents: [readerOf({ compactionOf: () => compaction })],
      model: other,
      prices,
    })
    const id = await rest.create('reader', { messages: history })
    const events = await rest.events(`runs/${id}/${ALL}`)
    expect(events.at(-1)).toMatchObject({ output: { text: 'Hello.' }, usage: { input_tokens: 600 } })
    expect(JSON.stringify(model.requests.slice(1))).not.toContain('They said')
    expect(JSON.stringify(other.requests)).not.toContain('They said')
  })

  test('fails where no summary comes to its end', async ({ createServer }) => {
    const cut: ScriptedTurn = [
      { type: 'text', text: 'They said a, b an' },
      { type: 'finish', reason: 'length', usage: { inputTokens: 600, outputTokens: 10 } },
    ]
    const model = createScriptedModel([cut])
    const { rest } = await createServer({
      agents: [readerOf({ compactionOf: () => ({ contextWindow: 1_200 }) })],
      model,
    })
    const id = await rest.create('reader', { messages: history })
    const [ended] = (await rest.events(`runs/${id}/${ALL}`)).slice(-1)
    expect(ended).toMatchObject({ type: 'run.failed', code: 'model_error' })
    expect(model.requests).toHaveLength(1)
  })

  test.for([
    ['and the same settings', {}],
    ['and another window', { contextWindow: 500 }],
  ] as const)('asks nothing again that was refused as too long, %s', async ([, later], { createServer }) => {
    const read: string[] = []
    const { model: summariser } = createWordModel('words')
    const model = createScriptedModel([
      reads('a'),
      reads('b'),
      tooLong,
      reads('c'),
      { text: 'All read.' },
      // A model that would answer the refused request.
      reads('d'),
    ])
    const agent = readerOf({
      compactionOf: (attempt) => ({ model: summariser, ...(attempt === 1 ? {} : later) }),
      onRead: (file) => read.push(file),
      afterwards(attempt) {
        if (attempt === 1) throw new Error('crash')
      },
    })
    const { rest } = await createServer({ agents: [agent], model })
    const id = await rest.create('reader', { messages: [{ role: 'user', content: 'Read.' }] })
    const events = await rest.events(`runs/${id}/${ALL}`)
    expect(events.at(-1)).toMatchObject({ output: { text: 'All read.' }, attempt: 2 })
    expect(read).toEqual(['a', 'b', 'c'])
    expect(model.requests).toHaveLength(5)
  })
})
