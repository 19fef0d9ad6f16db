// What a loop sends at each turn of its model, and when it ends.
import { describe, expect } from 'vitest'
import { z } from 'zod'
import { createScriptedModel } from '../../../../server/models/scripted.ts'
import { defineAgent, defineTool, hasToolCall, hasUsedTokens, toolLoop } from '../../../../server/index.ts'
import type { AgentContext, PreparedStep, StepToPrepare, ToolLoopOptions } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'

const toolNamed = (name: string, done: string[] = []) =>
  defineTool({
    name,
    description: name,
    input: z.object({}),
    execute() {
      done.push(name)
      return name
    },
  })

const call = (name: string) => ({ toolCalls: [{ name, arguments: {} }] })
const search = toolNamed('search')
const finish = toolNamed('finish')

const looping = (options: (ctx: AgentContext<never>) => ToolLoopOptions) =>
  defineAgent({
    key: 'looping',
    async run(ctx) {
      const { text, finishReason, messages } = await toolLoop(ctx, options(ctx as never))
      return { output: { text, finishReason }, messages }
    },
  })

const ALL = 'events?include_all=1'

describe('prepareStep', () => {
  test('says what the model is sent in a turn: messages, tools, choice, settings and another model', async ({
    createServer,
  }) => {
    const seen: StepToPrepare[] = []
    const other = createScriptedModel([{ text: 'Done.' }], { name: 'other' })
    const model = createScriptedModel([call('search'), call('search')])
    const steps: PreparedStep[] = [
      { toolChoice: { tool: 'search' }, temperature: 0 },
      { tools: ['search'], messages: [{ role: 'user', content: 'Only this.' }] },
      { model: other, tools: [finish], toolChoice: 'none' },
    ]
    const agent = looping(() => ({
      tools: [search, finish],
      system: 'Be brief.',
      temperature: 1,
      async prepareStep(about) {
        seen.push(about)
        return steps[about.step - 1]
      },
    }))
    const { rest } = await createServer({ agents: [agent], model })
    const id = await rest.create('looping', { messages: [{ role: 'user', content: 'Hi' }] })
    expect((await rest.events(`runs/${id}/${ALL}`)).at(-1)).toMatchObject({
      output: { text: 'Done.', finishReason: 'stop' },
    })
    expect(model.requests).toMatchObject([
      { toolChoice: { tool: 'search' }, temperature: 0, tools: [{ name: 'search' }, { name: 'finish' }] },
      { tools: [{ name: 'search' }], temperature: 1, messages: [{ content: 'Only this.' }] },
    ])
    expect(model.requests[1]).not.toHaveProperty('toolChoice')
    expect(other.requests).toMatchObject([
      { toolChoice: 'none', tools: [{ name: 'finish' }], temperature: 1 },
    ])
    expect(other.requests[0]?.messages.map(({ role }) => role)).toEqual([
      'system',
      'user',
      'assistant',
      'tool',
      'assistant',
      'tool',
    ])
    expect(seen.map(({ step, steps: before, messages }) => [step, before.length, messages.length])).toEqual([
      [1, 0, 2],
      [2, 1, 4],
      [3, 2, 6],
    ])
    expect(seen[2]?.steps[0]).toMatchObject({
      toolCalls: [{ name: 'search' }],
      toolResults: [{ content: 'search' }],
    })
  })

  test.for<[string, unknown, string]>([
    ['a text', 'search', 'answer with an object'],
    ['an option that is none', { toolchoice: 'none' }, 'did you mean toolChoice?'],
    ['a text as tools', { tools: 'search' }, 'tools is not valid. expected a list of tools or their names'],
    [
      'a tool that is not there',
      { tools: ['serch'] },
      'the loop has no tool "serch". It has search, finish.',
    ],
    ['a choice that is none', { toolChoice: 'any' }, 'toolChoice is not valid.'],
    [
      'a choice of what is not offered',
      { tools: ['finish'], toolChoice: { tool: 'search' } },
      'does not offer it',
    ],
    ['messages that are none', { messages: [{ role: 'users' }] }, 'messages.0'],
    ['a model that is none', { model: 'gpt' }, 'model is not valid. expected a model'],
  ])('that answers with %s is refused', async ([, answer, message], { createServer }) => {
    const model = createScriptedModel([])
    const agent = looping(() => ({ tools: [search, finish], prepareStep: () => answer as PreparedStep }))
    const { rest, log } = await createServer({ agents: [agent], model })
    const id = await rest.create('looping')
    expect((await rest.events(`runs/${id}/${ALL}`)).at(-1)).toMatchObject({ type: 'run.failed' })
    expect(model.requests).toEqual([])
    expect(log.map(({ fields }) => String((fields['err'] as Error | undefined)?.message)).join()).toContain(
      message,
    )
  })
})

describe('the loop ends with what there is', () => {
  const cases: [string, ToolLoopOptions, { finishReason: string; done: string[] }][] = [
    [
      'once a tool was called',
      { stopWhen: hasToolCall('finish') },
      { finishReason: 'stop-when', done: ['search', 'finish'] },
    ],
    [
      'once it has used so many tokens',
      { stopWhen: hasUsedTokens(20) },
      { finishReason: 'stop-when', done: ['search', 'finish'] },
    ],
    [
      'when a function says so',
      { stopWhen: [() => false, async ({ steps }) => steps.length === 1] },
      { finishReason: 'stop-when', done: ['search'] },
    ],
    ['after its last turn', { maxTurns: 1 }, { finishReason: 'max-turns', done: ['search'] }],
  ]
  test.for(cases)('%s', async ([, options, expected], { createServer }) => {
    const done: string[] = []
    const usage = { inputTokens: 8, outputTokens: 2 }
    const model = createScriptedModel([
      { text: 'I search.', ...call('search'), usage },
      { text: 'I finish.', ...call('finish'), usage },
      { text: 'More.', usage },
    ])
    const tools = [toolNamed('search', done), toolNamed('finish', done)]
    const { rest } = await createServer({ agents: [looping(() => ({ ...options, tools }))], model })
    const id = await rest.create('looping')
    const last = (await rest.events(`runs/${id}/${ALL}`)).at(-1)
    expect(last).toMatchObject({ type: 'run.succeeded', output: { finishReason: expected.finishReason } })
    expect(done).toEqual(expected.done)
    const { body } = await rest.get(`runs/${id}`)
    expect((body['output'] as { final_messages: { role: string }[] }).final_messages.at(-1)?.role).toBe(
      'tool',
    )
  })

  test.for<[ToolLoopOptions, string]>([
    [{ maxTurns: 0 }, 'maxTurns is a whole number from 1, not 0'],
    [{ maxTurns: '3' as never }, 'maxTurns is a whole number from 1, not 3'],
    [{ stopWhen: ['finish'] as never }, 'stopWhen is a function'],
    [{ prepareStep: {} as never }, 'prepareStep is a function'],
    [{ compaction: 1_000 as never }, 'compaction is true, or an object'],
    [{ compaction: null as never }, 'compaction is true, or an object'],
    [{ compaction: { contextWindow: 0 } }, 'compaction.contextWindow is not valid'],
    [{ compaction: { threshold: 80 } }, 'compaction.threshold is not valid'],
    [{ compaction: { window: 1 } as never }, 'there is no option window'],
    [{ compaction: { model: 'gpt' as never } }, 'compaction.model is not valid. expected a model'],
  ])('and takes no %o', async ([options, message], { createServer }) => {
    const { rest, log } = await createServer({
      agents: [looping(() => options)],
      model: createScriptedModel([]),
    })
    const id = await rest.create('looping')
    expect((await rest.events(`runs/${id}/${ALL}`)).at(-1)).toMatchObject({ type: 'run.failed' })
    expect(log.map(({ fields }) => String((fields['err'] as Error | undefined)?.message)).join()).toContain(
      message,
    )
  })
})
