import { describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import type { AgentContext, StepContext } from '../../../server/agent/context.ts'
import type { Jsonify } from '../../../server/contract/json.ts'
import { defineAgent } from '../../../server/agent/define-agent.ts'
import { type AnyTool, defineTool } from '../../../server/agent/define-tool.ts'
import { ToolError } from '../../../server/agent/tool-error.ts'
import { createLlm } from '../../../server/agent/llm.ts'
import { toolLoop } from '../../../server/agent/tool-loop.ts'
import { type Model, ModelError } from '../../../server/ports/model.ts'
import { createScriptedModel } from '../../../server/models/scripted.ts'

const notThere = () => Promise.reject(new Error('not a part of this test'))

/** A run's context that records events and log lines. */
function createContext(llm: Model, signal: AbortSignal = new AbortController().signal) {
  const events: { type: string; payload: unknown }[] = []
  const warn = vi.fn<(fields: object, message: string) => void>()
  const ctx: AgentContext = {
    runId: 'run-1',
    conversationId: null,
    attempt: 1,
    messages: [{ role: 'user', content: 'What is 1 + 2?' }],
    params: undefined,
    metadata: {},
    preferences: {},
    principal: { id: 'ann', tenantId: '', kind: 'user' },
    signal,
    llm: createLlm(llm, { signal, find: () => llm }),
    modelIdleTimeoutMs: 60_000,
    memory: () => ({ get: notThere, set: notThere, delete: notThere, list: notThere }) as never,
    tools: [],
    clientTools: [],
    files: { get: notThere, read: notThere, stream: () => new ReadableStream<Uint8Array>() },
    log: { debug() {}, info() {}, warn, error() {} },
    state: undefined,
    async emit(type, payload) {
      events.push({ type, payload })
    },
    async emitMessage() {},
    async emitError() {},
    messageHistory: notThere,
    lastAssistantMessage: () => undefined,
    wait: notThere,
    approve: notThere,
    sleep: notThere,
    runAgent: notThere,
    startAgent: notThere,
    handOff: notThere,
    takeMessages: async () => [],
    step: async <T>(_name: string, work: (step: StepContext) => Promise<T> | T) =>
      (await work({ idempotencyKey: 'key', signal })) as Jsonify<T>,
    async checkpoint() {},
  }
  const of = (type: string) => events.filter((event) => event.type === type).map((event) => event.payload)
  return { ctx, events, of, warn }
}

const add = defineTool({
  name: 'add',
  description: 'Adds two numbers',
  input: z.object({ a: z.number(), b: z.number().default(1) }),
  execute: ({ a, b }) => ({ sum: a + b }),
})

const callAdd = (id: string, args: object | string) => ({ id, name: 'add', arguments: args as { a: number } })

describe('an answer without tools', () => {
  test('streams deltas of one message, then the message, then the usage', async () => {
    const { ctx, events } = createContext(
      createScriptedModel(
        [{ reasoning: 'hm', text: ['It is ', '3.'], usage: { inputTokens: 5, outputTokens: 2 } }],
        {
          name: 'm-1',
        },
      ),
    )
    const reply = await toolLoop(ctx)

    const messageId = expect.any(String)
    expect(events).toEqual([
      { type: 'reasoning.delta', payload: { messageId, content: 'hm' } },
      { type: 'assistant.delta', payload: { messageId, content: 'It is ' } },
      { type: 'assistant.delta', payload: { messageId, content: '3.' } },
      { type: 'assistant.message', payload: { messageId, content: 'It is 3.' } },
      { type: 'usage', payload: { model: 'm-1', inputTokens: 5, outputTokens: 2, messageId } },
    ])
    expect(
      new Set(events.slice(0, 4).map(({ payload }) => (payload as { messageId: string }).messageId)).size,
    ).toBe(1)
    expect(reply).toEqual({
      text: 'It is 3.',
      messages: [
        {
          role: 'assistant',
          content: 'It is 3.',
          id: events.flatMap(({ type, payload }) =>
            type === 'assistant.message' ? (payload as { messageId: string }).messageId : [],
          )[0],
        },
      ],
      finishReason: 'stop',
      usage: { inputTokens: 5, outputTokens: 2 },
    })
  })

  test('sends the conversation after the instructions, and the limits', async () => {
    const model = createScriptedModel([{ text: 'x' }, { text: 'x' }])
    const { ctx } = createContext(model)
    await toolLoop(ctx, { system: 'Be brief', maxOutputTokens: 9, temperature: 0 })
    await toolLoop(ctx, { messages: [{ role: 'user', content: 'other' }] })
    expect(model.requests).toEqual([
      {
        messages: [
          { role: 'system', content: 'Be brief' },
          { role: 'user', content: 'What is 1 + 2?' },
        ],
        maxOutputTokens: 9,
        temperature: 0,
      },
      { messages: [{ role: 'user', content: 'other' }] },
    ])
  })

  test("comes from another model than the run's when one is given", async () => {
    const { ctx } = createContext(createScriptedModel([]))
    expect(await toolLoop(ctx, { model: createScriptedModel([{ text: 'mine' }]) })).toMatchObject({
      text: 'mine',
    })
  })

  test('says when it was cut off', async () => {
    const cut = { type: 'finish', reason: 'length', usage: { inputTokens: 0, outputTokens: 0 } } as const
    const { ctx } = createContext(createScriptedModel([[{ type: 'text', text: 'It i' }, cut]]))
    expect(await toolLoop(ctx)).toMatchObject({ text: 'It i', finishReason: 'length' })
  })
})

describe('tool calls', () => {
  test('run, are told of, and go back to the model with their results until it asks for none', async () => {
    const model = createScriptedModel([
      {
        text: 'Let me add.',
        toolCalls: [callAdd('c1', { a: 1, b: 2 })],
        usage: { inputTokens: 5, outputTokens: 2 },
      },
      { text: 'It is 3.', usage: { inputTokens: 9, outputTokens: 3 } },
    ])
    const { ctx, events, of } = createContext(model)
    const reply = await toolLoop(ctx, { tools: [add] })

    const added = (id: string) => [
      { role: 'assistant', content: 'Let me add.', toolCalls: [callAdd(id, { a: 1, b: 2 })] },
      { role: 'tool', toolCallId: id, content: '{"sum":3}' },
    ]
    const [{ toolCallId }] = of('tool.call') as [{ toolCallId: string }]
    expect(model.requests[1]?.messages).toEqual([...ctx.messages, ...added('c1')])
    expect(reply).toMatchObject({
      text: 'It is 3.',
      messages: [...added(toolCallId), { role: 'assistant', content: 'It is 3.' }],
      usage: { inputTokens: 14, outputTokens: 5 },
    })
    expect(events.map(({ type }) => type)).toEqual([
      'assistant.delta',
      'assistant.message',
      'usage',
      'tool.call',
      'tool.result',
      'assistant.delta',
      'assistant.message',
      'usage',
    ])
    expect(of('tool.call')).toEqual([
      { toolCallId, tool: 'add', arguments: { a: 1, b: 2 }, messageId: reply.messages[0]?.id },
    ])
    expect(of('tool.result')).toEqual([{ toolCallId, tool: 'add', result: { sum: 3 } }])
    const [first, second] = of('assistant.message') as { messageId: string }[]
    expect(first?.messageId).not.toBe(second?.messageId)
  })

  test('without text beside them are a turn without content', async () => {
    const { ctx, of } = createContext(
      createScriptedModel([{ toolCalls: [callAdd('c1', { a: 1 })] }, { text: '2' }]),
    )
    expect((await toolLoop(ctx, { tools: [add] })).messages[0]).toMatchObject({
      role: 'assistant',
      content: null,
    })
    expect(of('assistant.message')).toHaveLength(1)
  })

  test('are offered with the input side of their schemas', async () => {
    const model = createScriptedModel([{ text: 'x' }])
    await toolLoop(createContext(model).ctx, { tools: [add] })
    expect(model.requests[0]?.tools).toEqual([
      {
        name: 'add',
        description: 'Adds two numbers',
        parameters: {
          type: 'object',
          properties: { a: { type: 'number' }, b: { type: 'number', default: 1 } },
          required: ['a'],
        },
      },
    ])
  })

  test('of one turn run at once, and their results are told in the order of the calls', async () => {
    const gates = { slow: Promise.withResolvers<void>(), fast: Promise.withResolvers<void>() }
    const running: string[] = []
    const wait = defineTool({
      name: 'wait',
      description: 'Waits',
      input: z.object({ gate: z.enum(['slow', 'fast']) }),
      async execute({ gate }) {
        running.push(gate)
        await gates[gate].promise
        // The second call ends before the first.
        if (gate === 'fast') gates.slow.resolve()
        return gate
      },
    })
    const { ctx, of } = createContext(
      createScriptedModel([
        {
          toolCalls: [
            { id: 'c1', name: 'wait', arguments: { gate: 'slow' } },
            { id: 'c2', name: 'wait', arguments: { gate: 'fast' } },
          ],
        },
        { text: 'done' },
      ]),
    )
    const loop = toolLoop(ctx, { tools: [wait] })
    await vi.waitFor(() => expect(running).toEqual(['slow', 'fast']))
    gates.fast.resolve()
    const { messages } = await loop
    const ids = (of('tool.call') as { toolCallId: string }[]).map(({ toolCallId }) => toolCallId)
    expect(of('tool.result')).toMatchObject(ids.map((toolCallId) => ({ toolCallId })))
    expect(messages.slice(1, 3)).toEqual([
      { role: 'tool', toolCallId: ids[0], content: 'slow' },
      { role: 'tool', toolCallId: ids[1], content: 'fast' },
    ])
  })

  test('whose results are not plain JSON are told as JSON would', async () => {
    const odd = defineTool({
      name: 'odd',
      description: 'Odd',
      input: z.object({}),
      execute: () => ({ at: new Date(0), gone: undefined }),
    })
    const nothing = defineTool({
      name: 'nothing',
      description: 'No',
      input: z.object({}),
      execute: () => undefined as never,
    })
    const { ctx, of } = createContext(
      createScriptedModel([
        {
          toolCalls: [
            { name: 'odd', arguments: {} },
            { name: 'nothing', arguments: {} },
          ],
        },
        { text: 'x' },
      ]),
    )
    await toolLoop(ctx, { tools: [odd, nothing] })
    expect(of('tool.result')).toMatchObject([
      { result: { at: '1970-01-01T00:00:00.000Z' } },
      { result: null },
    ])
  })
})

describe('a tool call that goes wrong is a result the model can correct', () => {
  async function run(call: { name: string; arguments: unknown }, tool: AnyTool = add) {
    const model = createScriptedModel([{ toolCalls: [{ id: 'c1', ...call } as never] }, { text: 'Sorry.' }])
    const context = createContext(model)
    const { text } = await toolLoop(context.ctx, { tools: [tool] })
    expect(text).toBe('Sorry.')
    const [result] = context.of('tool.result') as { result: { error: string }; isError: boolean }[]
    expect(result?.isError).toBe(true)
    expect(model.requests[1]?.messages.at(-1)).toMatchObject({
      role: 'tool',
      content: JSON.stringify(result?.result),
    })
    const [{ toolCallId }] = context.of('tool.call') as [{ toolCallId: string }]
    return { error: result?.result.error, warn: context.warn, toolCallId }
  }

  const failing = (error: unknown) =>
    defineTool({
      name: 'fail',
      description: 'Fails',
      input: z.object({}),
      execute: () => Promise.reject(error),
    })

  test('when the input does not fit the schema', async () => {
    expect(await run({ name: 'add', arguments: { a: 'one' } })).toMatchObject({
      error: expect.stringMatching(/^The arguments for "add" are not valid\. a: .*expected number/),
    })
  })

  test('when the arguments are not JSON', async () => {
    expect(await run({ name: 'add', arguments: '{"a": 1' })).toMatchObject({
      error: 'The arguments for "add" are not a JSON object.',
    })
  })

  test('when there is no such tool', async () => {
    expect(await run({ name: 'subtract', arguments: {} })).toMatchObject({
      error: 'There is no tool "subtract". add can be called.',
    })
  })

  test('when the tool throws: what it threw is logged and not told', async () => {
    const err = new Error('password=hunter2')
    const { error, warn, toolCallId } = await run({ name: 'fail', arguments: {} }, failing(err))
    expect(error).toBe('The tool "fail" failed.')
    expect(warn).toHaveBeenCalledWith({ tool: 'fail', toolCallId, err }, 'The tool "fail" failed.')
  })

  test('when the tool throws a ToolError, which is meant for the model', async () => {
    const { error, warn, toolCallId } = await run(
      { name: 'fail', arguments: {} },
      failing(new ToolError('No such city.')),
    )
    expect(error).toBe('No such city.')
    expect(warn).toHaveBeenCalledWith({ tool: 'fail', toolCallId }, 'No such city.')
  })

  test('when what the tool returns is no JSON at all', async () => {
    const big = defineTool({
      name: 'big',
      description: 'Big',
      input: z.object({}),
      execute: () => 1n as never,
    })
    expect((await run({ name: 'big', arguments: {} }, big)).error).toBe(
      `The tool "big" was run, but its result can't be told: it is not JSON.`,
    )
  })
})

test('a tool whose input no model can be told is refused where it is defined', () => {
  const rest = { description: '', execute: () => null }
  expect(() => defineTool({ ...rest, name: 'text', input: z.string() })).toThrow(
    'Tool "text": the input has to be one object schema',
  )
  expect(() => defineTool({ ...rest, name: 'date', input: z.object({ at: z.date() }) })).toThrow(
    `Tool "date": the input schema can't be written`,
  )
})

test('the loop ends with what there is after its last turn, whose tools are run', async () => {
  const model = createScriptedModel(
    [1, 2, 3].map((a) => ({ text: `${a}`, toolCalls: [callAdd(`c${a}`, { a })] })),
  )
  const reply = await toolLoop(createContext(model).ctx, { tools: [add], maxTurns: 2 })
  expect(reply).toMatchObject({ text: '2', finishReason: 'max-turns' })
  expect(reply.messages.map(({ role }) => role)).toEqual(['assistant', 'tool', 'assistant', 'tool'])
  expect(model.requests).toHaveLength(2)
})

describe('the loop ends with an error', () => {
  test('when the model fails', async () => {
    const error = new ModelError('overloaded', { retriable: true })
    const { ctx, of } = createContext(createScriptedModel([[{ type: 'text', text: 'It' }, { error }]]))
    await expect(toolLoop(ctx)).rejects.toBe(error)
    expect(of('assistant.delta')).toHaveLength(1)
    expect(of('assistant.message')).toHaveLength(0)
  })

  test('when the model stops without finishing', async () => {
    const silent: Model = { provider: 'x', name: 'silent', async *stream() {} }
    await expect(toolLoop(createContext(silent).ctx)).rejects.toMatchObject({
      name: 'ModelError',
      retriable: true,
    })
  })

  test('when two tools share a name', async () => {
    const { ctx } = createContext(createScriptedModel([]))
    await expect(toolLoop(ctx, { tools: [add, add] })).rejects.toThrow(TypeError)
  })

  test('when it is given an option that is none', async () => {
    const { ctx } = createContext(createScriptedModel([]))
    await expect(toolLoop(ctx, { system: '', ...{ maxTurn: 3 } })).rejects.toThrow(
      new TypeError('toolLoop: there is no option maxTurn, did you mean maxTurns?'),
    )
  })
})

describe('an abort ends the loop with its reason', () => {
  const reason = new Error('cancelled')

  test('while the model streams', async () => {
    const controller = new AbortController()
    const never = new Promise(() => {})
    const { ctx } = createContext(
      createScriptedModel([[{ type: 'text', text: 'a' }, { waitFor: never }]]),
      controller.signal,
    )
    const loop = toolLoop(ctx)
    controller.abort(reason)
    await expect(loop).rejects.toBe(reason)
  })

  test('while a tool runs, whatever the tool makes of it', async () => {
    const controller = new AbortController()
    const started = Promise.withResolvers<void>()
    const sleepy = defineTool({
      name: 'sleepy',
      description: 'Sleeps',
      input: z.object({}),
      execute: (_, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('my own words')))
          started.resolve()
        }),
    })
    const { ctx, of, warn } = createContext(
      createScriptedModel([{ toolCalls: [{ name: 'sleepy', arguments: {} }] }]),
      controller.signal,
    )
    const loop = toolLoop(ctx, { tools: [sleepy] })
    await started.promise
    controller.abort(reason)
    await expect(loop).rejects.toBe(reason)
    expect(of('tool.result')).toEqual([])
    expect(warn).not.toHaveBeenCalled()
  })
})

test('any agent can hand on its context, with params and events of its own', () => {
  const agent = defineAgent({
    key: 'typed',
    params: z.object({ tone: z.string() }),
    output: z.object({ response: z.string() }),
    events: { 'research.progress': { schema: z.object({ percent: z.number() }) } },
    async run(ctx) {
      const { text, messages } = await toolLoop(ctx, { tools: [add] })
      await ctx.emit('research.progress', { percent: 100 })
      return { output: { response: text }, messages }
    },
  })
  expect(agent.key).toBe('typed')
})
