import { describe, expect } from 'vitest'
import { z } from 'zod'
import { z as z3 } from 'zod/v3'
import { createScriptedModel } from '../../../../server/models/scripted.ts'
import { defineAgent, defineTool, ToolError, toolLoop } from '../../../../server/index.ts'
import type { AnyTool, Json, ToolContext } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'
import type { CreateServer } from '../../../support/runtime.ts'
import { agentOf, call, toolOf, DEBUG } from './tool-scene.ts'

describe('a tool', () => {
  test('tells how far it is, while it runs and no longer', async ({ createServer }) => {
    let late: ToolContext['report'] | undefined
    const tool = toolOf(async ({ report }) => {
      late = report
      await report({ percent: 50 })
      return 'done'
    })
    const agent = defineAgent({
      key: 'agent',
      async run(ctx) {
        await toolLoop(ctx, { tools: [tool] })
        await late?.('too late')
      },
    })
    const { rest } = await createServer({
      agents: [agent],
      model: createScriptedModel([call('act'), { text: 'x' }]),
    })
    const id = await rest.create('agent')
    const events = await rest.events(`runs/${id}/${DEBUG}`)
    const told = events.filter(({ type }) => type.startsWith('tool.'))
    expect(told.map(({ type }) => type)).toEqual(['tool.call', 'tool.progress', 'tool.result'])
    expect(told[1]).toMatchObject({ tool: 'act', progress: { percent: 50 } })
    expect(told[1]?.['tool_call_id']).toBe(told[0]?.['tool_call_id'])
    expect((await rest.events(`runs/${id}/events`)).map(({ type }) => type)).not.toContain('tool.progress')
  })

  test.for([
    ['a date', 1, new Date() as never],
    ['a function', 1, Math.max as never],
    ['ten thousand things', 10_000, null],
  ] as const)('that reports %s does not end its run', async ([, times, progress], { createServer }) => {
    const tool = toolOf(({ report }) => {
      for (let n = 0; n < times; n += 1) void report(progress)
      return 'done'
    })
    const { rest } = await createServer({
      agents: [agentOf([tool])],
      model: createScriptedModel([call('act'), { text: 'x' }]),
    })
    const id = await rest.create('agent')
    expect((await rest.events(`runs/${id}/events`)).at(-1)).toMatchObject({ type: 'run.succeeded' })
  })

  test('that does not heed its signal is left when its time is up, and the model is told', async ({
    createServer,
  }) => {
    const aborted = Promise.withResolvers<unknown>()
    const tool = toolOf(
      ({ signal }) => {
        signal.addEventListener('abort', () => aborted.resolve(signal.reason))
        return new Promise<Json>(() => {})
      },
      { timeoutMs: 20 },
    )
    const { rest } = await createServer({
      agents: [agentOf([tool])],
      model: createScriptedModel([call('act'), { text: 'Sorry.' }]),
    })
    const id = await rest.create('agent')
    const events = await rest.events(`runs/${id}/${DEBUG}`)
    expect(events.find(({ type }) => type === 'tool.result')).toMatchObject({
      result: { error: 'The tool "act" took longer than 20 ms and was stopped.' },
      is_error: true,
    })
    expect(events.at(-1)).toMatchObject({ type: 'run.succeeded' })
    expect(await aborted.promise).toMatchObject({ name: 'ToolError' })
  })
})

test('a model that makes up a name of a tool, however long, is told so', async ({ createServer }) => {
  const model = createScriptedModel([call('x'.repeat(500)), { text: 'Sorry.' }])
  const { rest } = await createServer({ agents: [agentOf([])], model })
  const id = await rest.create('agent')
  expect((await rest.events(`runs/${id}/events`)).at(-1)).toMatchObject({ type: 'run.succeeded' })
})

test.for([
  [
    'zod 3',
    z3.object({ city: z3.string().transform((city) => city.toUpperCase()), days: z3.number().default(3) }),
  ],
  [
    'zod 4',
    z.object({ city: z.string().transform((city) => city.toUpperCase()), days: z.number().default(3) }),
  ],
] as const)('an input may be a schema of %s', async ([, input], { createServer }) => {
  const seen: unknown[] = []
  const tool = defineTool({ name: 'act', description: '', input, execute: (given) => seen.push(given) })
  const model = createScriptedModel([call('act', { city: 'Rome' }), call('act', { city: 1 }), { text: 'x' }])
  const { rest } = await createServer({ agents: [agentOf([tool])], model })
  const id = await rest.create('agent')
  expect((await rest.events(`runs/${id}/events`)).at(-1)).toMatchObject({ type: 'run.succeeded' })
  expect(seen).toEqual([{ city: 'ROME', days: 3 }])
  expect(model.requests[0]?.tools?.[0]?.parameters).toMatchObject({
    type: 'object',
    properties: { city: { type: 'string' }, days: { type: 'number', default: 3 } },
    required: ['city'],
  })
  expect(model.requests[2]?.messages.at(-1)?.content).toMatch(
    /arguments for \\"act\\" are not valid\. city: /,
  )
})

describe('the result of a tool', () => {
  async function resultsOf(createServer: CreateServer, tools: AnyTool[]) {
    const model = createScriptedModel([
      { toolCalls: tools.map(({ name }) => ({ name, arguments: {} })) },
      { text: 'x' },
    ])
    const { rest, log } = await createServer({ agents: [agentOf(tools)], model })
    const id = await rest.create('agent')
    const events = await rest.events(`runs/${id}/${DEBUG}`)
    expect(events.at(-1)).toMatchObject({ type: 'run.succeeded' })
    const results = events.filter(({ type }) => type === 'tool.result')
    return { log, results: results.map((event) => event['result']) }
  }

  test('has the form of the output schema, or is an error', async ({ createServer }) => {
    const output = z.object({ at: z.date().transform((at) => at.getTime()), n: z.number().default(7) })
    const rest = { description: '', input: z.object({}) }
    const { results, log } = await resultsOf(createServer, [
      defineTool({ ...rest, name: 'good', output, execute: () => ({ at: new Date(5) }) }),
      defineTool({ ...rest, name: 'bad', output, execute: () => ({ at: 'secret' }) as never }),
      defineTool({
        ...rest,
        name: 'written',
        output: { type: 'object', properties: { n: { type: 'number' } }, required: ['n'] },
        execute: () => ({}) as never,
      }),
    ])
    const error = (name: string) =>
      `The tool "${name}" was run, but its result can't be told: it is not of the form that was declared.`
    expect(results).toEqual([{ at: 5, n: 7 }, { error: error('bad') }, { error: error('written') }])
    expect(log.filter(({ message }) => message === error('bad'))).toMatchObject([
      { fields: { err: { message: expect.stringContaining('at: ') } } },
    ])
  })

  test('is cut to the bytes that the tool allows, with a note', async ({ createServer }) => {
    const bounded = (name: string, maxResultBytes: number, result: Json) =>
      defineTool({ name, description: '', input: z.object({}), maxResultBytes, execute: () => result })
    const { results } = await resultsOf(createServer, [
      bounded('fits', 14, { text: 'ab' }),
      bounded('text', 6, 'äöü€'),
      bounded('json', 5, [1, 2, 3]),
    ])
    const note = (all: number, shown: number) =>
      `The result is too large: ${all} characters, of which these are the first ${shown}.`
    expect(results).toEqual([
      { text: 'ab' },
      { note: note(4, 3), beginning: 'äöü' },
      { note: note(7, 5), beginning: '[1,2,' },
    ])
  })

  test('is cut likewise where it is an error, and shorter in the log', async ({ createServer }) => {
    const fail = (message: string) => () => {
      throw new ToolError(message)
    }
    const { results, log } = await resultsOf(createServer, [
      toolOf(fail('x'.repeat(9_000_000)), { name: 'huge' }),
      toolOf(fail('äöü€'), { name: 'limited', maxResultBytes: 6 }),
      toolOf(fail('äöü'), { name: 'fits', maxResultBytes: 8 }),
    ])
    const note = (all: number, shown: number) =>
      `… The error is too large: ${all} characters, of which these are the first ${shown}.`
    expect(results).toEqual([
      { error: `${'x'.repeat(50_000)}${note(9_000_000, 50_000)}` },
      { error: `äöü${note(4, 3)}` },
      { error: 'äöü' },
    ])
    const logged = log.filter(({ fields }) => (fields as { tool?: string }).tool === 'huge')
    expect(logged.map(({ message }) => message.length)).toEqual([1_001])
  })

  test('of a keyed tool that did not use its key is warned of', async ({ createServer }) => {
    const { log } = await resultsOf(createServer, [
      toolOf(() => 1, { name: 'forgets', replay: 'keyed' }),
      toolOf(({ idempotencyKey }) => idempotencyKey.length, { name: 'uses', replay: 'keyed' }),
    ])
    const warned = log.filter(({ message }) => message.includes('idempotencyKey'))
    expect(warned).toMatchObject([{ level: 'warn', fields: { tool: 'forgets' } }])
  })
})

test.for([
  [{ timeoutMs: 0 }, 'Tool "act": timeoutMs is not valid.'],
  [{ timeoutMs: '5s' }, 'Tool "act": timeoutMs is not valid.'],
  [{ replay: 'never' }, 'Tool "act": replay is not valid.'],
  [{ maxResultBytes: 1.5 }, 'Tool "act": maxResultBytes is not valid.'],
  [{ maxResultByte: 1 }, 'Tool "act": there is no option maxResultByte, did you mean maxResultBytes?'],
  [{ input: { type: 'array' } }, 'Tool "act": the input has to be one object schema'],
  [{ input: z3.string() }, 'Tool "act": the input has to be one object schema'],
  [
    { input: { type: 'object', not: { required: ['a'] } } },
    `Tool "act": the input is a JSON Schema that can't be checked here.`,
  ],
  [
    { output: { type: 'object', if: {} } },
    `Tool "act": the output is a JSON Schema that can't be checked here.`,
  ],
] as const)('a tool with %o is refused where it is defined', ([rest, message]) => {
  expect(() => toolOf(() => null, rest as never)).toThrow(message)
})
