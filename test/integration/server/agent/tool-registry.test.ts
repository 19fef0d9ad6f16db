import { describe, expect } from 'vitest'
import { z } from 'zod'
import { createScriptedModel } from '../../../../server/models/scripted.ts'
import { defineAgent, defineTool, ToolRegistry } from '../../../../server/index.ts'
import type { Json } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'
import { config, agentOf, toolOf, DEBUG } from './tool-scene.ts'
import type { Waiting } from './tool-scene.ts'

describe('a registry of tools', () => {
  const getWeather = defineTool({
    name: 'get_weather',
    description: 'Get current weather for a location.',
    input: z.object({ location: z.string() }),
    execute: ({ location }) => `Sunny, 72°F in ${location}`,
  })
  const searchDatabase = defineTool({
    name: 'search_database',
    description: 'Search the database for relevant information.',
    input: { type: 'object', properties: { query: { type: 'string' } }, required: ['query'] },
    execute: ({ query }) => [{ title: `Result for ${query}` }],
  })

  /** A provider that numbers its calls from the start in each answer. */
  const model = () =>
    createScriptedModel([
      { toolCalls: [{ id: 'call_0', name: 'get_weather', arguments: { location: 'Rome' } }] },
      { toolCalls: [{ id: 'call_0', name: 'search_database', arguments: { query: 'Rome' } }] },
      { text: 'Sunny.' },
    ])

  test('serves a loop that is written by hand, whose calls are told apart', async ({ createServer }) => {
    const tools = new ToolRegistry()
    tools.register(getWeather)
    tools.register(searchDatabase)
    const agent = defineAgent({
      key: 'tool-agent',
      async run(ctx) {
        const messages = [...ctx.messages]
        for (;;) {
          const response = await ctx.llm.generate(messages, { tools: tools.toOpenAIFormat() })
          messages.push(response.message)
          if (response.toolCalls.length === 0) {
            return { output: { response: response.text }, messages: messages.slice(ctx.messages.length) }
          }
          for (const { id: toolCallId, name, arguments: args } of response.toolCalls) {
            await ctx.emit('tool.call', { toolCallId, tool: name, arguments: args })
            const result = await tools.execute(name, args)
            await ctx.emit('tool.result', { toolCallId, tool: name, result })
            messages.push({ role: 'tool', toolCallId, content: JSON.stringify(result) })
          }
        }
      },
    })
    const scripted = model()
    const { rest } = await createServer({ agents: [agent], model: scripted })
    const id = await rest.create('tool-agent')
    const events = await rest.events(`runs/${id}/${DEBUG}`)
    expect(events.at(-1)).toMatchObject({ type: 'run.succeeded' })
    const results = events.filter(({ type }) => type === 'tool.result')
    expect(results.map((event) => event['result'])).toEqual([
      'Sunny, 72°F in Rome',
      [{ title: 'Result for Rome' }],
    ])
    expect(new Set(results.map((event) => event['tool_call_id'])).size).toBe(2)
    // The provider gets its own ids back.
    expect(scripted.requests[2]?.messages.slice(-4)).toMatchObject([
      { role: 'assistant', toolCalls: [{ id: 'call_0' }] },
      { role: 'tool' },
      { role: 'assistant', toolCalls: [{ id: 'call_0' }] },
      { role: 'tool' },
    ])
  })

  test('writes its tools in the formats of OpenAI and Anthropic, and is what toolLoop takes', async ({
    createServer,
  }) => {
    const tools = new ToolRegistry([getWeather, searchDatabase])
    expect(tools.toOpenAIFormat()).toEqual([
      {
        type: 'function',
        function: {
          name: 'get_weather',
          description: getWeather.description,
          parameters: {
            type: 'object',
            properties: { location: { type: 'string' } },
            required: ['location'],
          },
        },
      },
      { type: 'function', function: expect.objectContaining({ name: 'search_database' }) },
    ])
    expect(tools.toAnthropicFormat()[1]).toEqual({
      name: 'search_database',
      description: searchDatabase.description,
      input_schema: searchDatabase.input,
    })
    expect(() => tools.register(getWeather)).toThrow('There is a tool "get_weather" already.')
    await expect(tools.execute('get_weather', { location: 'Rome' })).rejects.toThrow(TypeError)
    const { rest } = await createServer({ agents: [agentOf(tools)], model: model() })
    const id = await rest.create('agent')
    expect((await rest.events(`runs/${id}/events`)).at(-1)).toMatchObject({ type: 'run.succeeded' })
  })

  test('runs each call once, whatever crashes, and answers what goes wrong', async ({ createServer }) => {
    const done: string[] = []
    const tools = new ToolRegistry([
      toolOf(({ idempotencyKey }) => done.push(idempotencyKey), { needsApproval: true }),
      getWeather,
    ])
    const agent = defineAgent({
      key: 'agent',
      async run(ctx) {
        const results = [
          await tools.execute('get_weather', '{"location":"Rome"}'),
          await tools.execute('get_weather', { location: 1 }),
          await tools.execute('get_weather', '{"location":'),
          await tools.execute('x'.repeat(300), {}),
          await tools.execute('act', {}),
        ]
        if (ctx.attempt < 3) throw new Error('crash')
        return { output: results as Json }
      },
    })
    const { rest } = await createServer({ agents: [agent], config })
    const id = await rest.create('agent')
    await (await rest.stream(`runs/${id}/events`)).until('run.waiting')
    const [{ name, details } = {} as Waiting] = (await rest.get(`runs/${id}`)).body['waits'] as Waiting[]
    await rest.post(`runs/${id}/respond`, { wait: name, value: { approved: true, hash: details.hash } })
    await rest.events(`runs/${id}/events`)
    expect((await rest.get(`runs/${id}`)).body).toMatchObject({
      output: {
        final_output: [
          'Sunny, 72°F in Rome',
          { error: expect.stringContaining('not valid') },
          { error: 'The arguments for "get_weather" are not a JSON object.' },
          { error: expect.stringMatching(/^There is no tool/) },
          1,
        ],
      },
    })
    expect(done).toHaveLength(1)
  })
})
