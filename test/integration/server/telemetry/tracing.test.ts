// A run's traces, recorded by both major versions of OpenTelemetry's SDK.
import { context, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import * as line3 from '@opentelemetry/sdk-trace'
import * as line2 from '@opentelemetry/sdk-trace-base'
import { MessagesAnnotation, START, StateGraph } from '@langchain/langgraph'
import { ChatOpenAI } from '@langchain/openai'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { z } from 'zod'
import { defineAgent, defineTool, toolLoop } from '../../../../server/index.ts'
import type { Tracer } from '../../../../server/index.ts'
import { runGraph } from '../../../../server/frameworks/langgraph/index.ts'
import { createScriptedModel } from '../../../../server/models/scripted.ts'
import { openTelemetry } from '../../../../server/telemetry/opentelemetry/index.ts'
import type { OpenTelemetryOptions } from '../../../../server/telemetry/opentelemetry/index.ts'
import { refusing, sending, startLoopbackProvider } from '../../../support/loopback-provider.ts'
import { chatWire } from '../../../support/model-wires.ts'
import { test } from '../../../support/runtime.ts'

interface Recorded {
  name: string
  attributes: Record<string, unknown>
  status: { code: number; message?: string }
  spanContext(): { traceId: string; spanId: string }
  links: readonly { context: { traceId: string; spanId: string }; attributes?: Record<string, unknown> }[]
  parentSpanContext?: { traceId: string; spanId: string } | undefined
}

/** A process with an SDK of its own. */
interface Sdk {
  tracerProvider: NonNullable<OpenTelemetryOptions['tracerProvider']>
  spans(): readonly Recorded[]
}

const SDKS: Record<string, () => Sdk> = {
  2() {
    const exporter = new line2.InMemorySpanExporter()
    const spanProcessors = [new line2.SimpleSpanProcessor(exporter)]
    return {
      tracerProvider: new line2.BasicTracerProvider({ spanProcessors }),
      spans: () => exporter.getFinishedSpans(),
    }
  },
  3() {
    const exporter = new line3.InMemorySpanExporter()
    const spanProcessors = [new line3.SimpleSpanProcessor({ exporter })]
    return {
      tracerProvider: new line3.TracerProvider({ spanProcessors }),
      spans: () => exporter.getFinishedSpans(),
    }
  },
}

const manager = new AsyncLocalStorageContextManager()
beforeAll(() => void context.setGlobalContextManager(manager.enable()))
afterAll(() => context.disable())

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736'
const CALLER = `00-${TRACE_ID}-00f067aa0ba902b7-01`
const CARD = '4111111111111111'

const pay = defineTool({
  name: 'pay',
  description: 'Pays',
  input: z.object({ card: z.string() }),
  execute: ({ card }) => ({ paid: card }),
})
const payer = defineAgent({
  key: 'payer',
  maxAttempts: 2,
  async run(ctx) {
    const reply = await toolLoop(ctx, { tools: [pay], system: 'Be kind.' })
    await ctx.wait('sure', z.boolean())
    if (ctx.attempt < 3) throw new Error('The bank is closed.')
    return { output: reply.text, messages: reply.messages }
  },
})
const script = () =>
  createScriptedModel([
    { toolCalls: [{ name: 'pay', arguments: { card: CARD } }] },
    { text: `Paid by ${CARD}.` },
  ])

/** The spans in the order in which they ended, each with its parent. */
function treeOf(spans: readonly Recorded[], parent: string): unknown[] {
  return spans
    .filter(({ parentSpanContext }) => parentSpanContext?.spanId === parent)
    .map((span) => {
      const children = treeOf(spans, span.spanContext().spanId)
      return children.length === 0 ? span.name : [span.name, ...children]
    })
}

describe.each(Object.entries(SDKS))('with line %s of the SDK', (_, createSdk) => {
  test('an attempt links to one of an earlier version, which stored no number', async ({
    createServer,
    database,
  }) => {
    const sdk = createSdk()
    const agents = [payer] as const
    const { rest } = await createServer({ agents, model: script(), tracer: openTelemetry(sdk) })
    const messages = [{ role: 'user', content: 'Pay.' }]
    const created = await rest.post('runs', { agent_key: 'payer', messages })
    const id = created.body['id'] as string
    const stream = await rest.stream(`runs/${id}/events`)
    await stream.until('run.waiting')
    const spanId = '00f067aa0ba902b8'
    await database.sql(
      `UPDATE agent_runtime.run SET attempt_traceparent = $2, traced_attempt = NULL WHERE id = $1`,
      [id, `00-${TRACE_ID}-${spanId}-01`],
    )
    await rest.post(`runs/${id}/respond`, { wait: 'sure', value: true })
    await stream.until('run.succeeded')
    const attempts = () => sdk.spans().filter(({ name }) => name === 'invoke_agent payer')
    await expect.poll(attempts).toHaveLength(3)
    const linked = attempts().map(({ links }) =>
      links.map(({ context, attributes }) => [context.spanId, attributes?.['agent_runtime.attempt']]),
    )
    expect(linked).toEqual([[], [[spanId, undefined]], [[attempts()[1]?.spanContext().spanId, 2]]])
  })

  test('a run is one trace, over processes, retries and waits', async ({ createServer }) => {
    const [here, there] = [createSdk(), createSdk()]
    const agents = [payer] as const
    const api = await createServer({ agents, tracer: openTelemetry(here), worker: false })
    await createServer({ agents, model: script(), tracer: openTelemetry(there) })
    const created = await api.rest.post(
      'runs',
      { agent_key: 'payer', messages: [{ role: 'user', content: 'Pay.' }] },
      { headers: { traceparent: CALLER } },
    )
    const id = created.body['id'] as string
    const stream = await api.rest.stream(`runs/${id}/events`)
    await stream.until('run.waiting')
    await api.rest.post(`runs/${id}/respond`, { wait: 'sure', value: true })
    await stream.until('run.succeeded')
    await expect
      .poll(() => there.spans().filter(({ name }) => name.startsWith('invoke_agent')))
      .toHaveLength(3)

    const spans = [...here.spans(), ...there.spans()]
    expect(new Set(spans.map((span) => span.spanContext().traceId))).toEqual(new Set([TRACE_ID]))
    const steps = [
      ['step model', 'chat scripted'],
      ['step tool:pay', 'execute_tool pay'],
      ['step model', 'chat scripted'],
    ]
    expect(treeOf(spans, '00f067aa0ba902b7')).toEqual([
      ['create_run payer', ['invoke_agent payer', ...steps], 'invoke_agent payer', 'invoke_agent payer'],
    ])
    const attempts = spans.filter(({ name }) => name === 'invoke_agent payer')
    const ids = attempts.map((span) => span.spanContext().spanId)
    expect(attempts.map(({ links }) => links.map(({ context: { spanId } }) => spanId))).toEqual([
      [],
      [ids[0]],
      [ids[1]],
    ])
    expect(attempts.map(({ attributes }) => attributes['agent_runtime.run.status'])).toEqual([
      'waiting',
      'queued',
      'succeeded',
    ])
    expect(attempts[1]).toMatchObject({ status: { code: 2 }, attributes: { 'agent_runtime.attempt': 2 } })
    const [, answered] = spans.filter(({ name }) => name === 'chat scripted')
    expect(answered?.attributes).toMatchObject({
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'scripted',
      'gen_ai.request.model': 'scripted',
      'gen_ai.response.finish_reasons': ['stop'],
      'gen_ai.usage.input_tokens': expect.any(Number),
      'gen_ai.usage.output_tokens': expect.any(Number),
      'gen_ai.response.time_to_first_chunk': expect.any(Number),
    })
    // Messages are only exported if the options ask for it.
    expect(JSON.stringify(spans.map(({ attributes }) => attributes))).not.toMatch(/Paid|Be kind|4111/)
  })

  test('the models of a graph are asked in its trace', async ({ createServer }) => {
    await using provider = await startLoopbackProvider()
    const frames = chatWire.frames({ said: [{ text: 'Hello' }] })
    // LangChain attributes a message without a role to somebody else.
    const withRole = frames.map((frame) => frame.replace('{"content"', '{"role":"assistant","content"'))
    provider.answerWith(sending(withRole), refusing(400, {}))
    const model = new ChatOpenAI({
      model: 'm',
      apiKey: 'key',
      maxRetries: 0,
      configuration: { baseURL: provider.url },
    })
    const graph = new StateGraph(MessagesAnnotation)
      .addNode('model', async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
      .addEdge(START, 'model')
      .compile()
    const agent = defineAgent({
      key: 'graph',
      maxAttempts: 1,
      run: async (ctx) => ({ output: (await runGraph(ctx, graph)).text }),
    })
    const sdk = createSdk()
    const { rest } = await createServer({ agents: [agent], tracer: openTelemetry(sdk) })
    for (const status of ['succeeded', 'failed']) {
      const id = await rest.create('graph', { messages: [{ role: 'user', content: 'Hi' }] })
      await rest.events(`runs/${id}/events`)
      expect((await rest.get(`runs/${id}`)).body).toMatchObject({ status })
    }
    const named = (name: string) => sdk.spans().filter((span) => span.name === name)
    await expect.poll(() => named('invoke_agent graph')).toHaveLength(2)
    const [answered, refused] = named('chat m')
    expect(answered?.attributes).toMatchObject({
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'openai',
      'gen_ai.usage.input_tokens': 30,
      'gen_ai.usage.output_tokens': 20,
      'gen_ai.response.time_to_first_chunk': expect.any(Number),
    })
    expect(refused).toMatchObject({ status: { code: 2 } })
    const [attempt] = named('invoke_agent graph')
    expect(answered?.parentSpanContext?.spanId).toBe(attempt?.spanContext().spanId)
  })

  test('a run below another one is in its trace', async ({ createServer }) => {
    const sdk = createSdk()
    const below = defineAgent({ key: 'below', async run() {} })
    const above = defineAgent({
      key: 'above',
      async run(ctx) {
        await ctx.runAgent(below)
        await (await ctx.startAgent(below)).result()
      },
    })
    const { rest } = await createServer({ agents: [above, below], tracer: openTelemetry(sdk) })
    await rest.events(`runs/${await rest.create('above')}/events`)
    await expect.poll(() => sdk.spans().filter(({ name }) => name === 'invoke_agent below')).toHaveLength(2)
    expect(new Set(sdk.spans().map((span) => span.spanContext().traceId)).size).toBe(1)
    const bySpan = new Map(sdk.spans().map((span) => [span.spanContext().spanId, span]))
    const nameAbove = (span: Recorded) => bySpan.get(span.parentSpanContext?.spanId ?? '')?.name
    const created = sdk.spans().filter((span) => nameAbove(span)?.startsWith('invoke_agent above'))
    expect(created).toHaveLength(2)
  })

  test('messages are exported if the options ask for it, masked first', async ({ createServer }) => {
    const sdk = createSdk()
    const tracer = openTelemetry({
      ...sdk,
      content: true,
      mask: (value) => JSON.parse(JSON.stringify(value).replaceAll(/\d{16}/g, '****')),
    })
    const agent = defineAgent({
      key: 'teller',
      run: async (ctx) => ({ output: (await toolLoop(ctx, { tools: [pay], system: 'Be kind.' })).text }),
    })
    const { rest } = await createServer({ agents: [agent], model: script(), tracer })
    const id = await rest.create('teller', { messages: [{ role: 'user', content: `Pay by ${CARD}.` }] })
    await rest.events(`runs/${id}/events`)
    await expect.poll(() => sdk.spans().at(-1)?.name).toBe('invoke_agent teller')
    const told = JSON.stringify(sdk.spans().map(({ attributes }) => attributes))
    expect(told).not.toContain(CARD)
    for (const text of ['Pay by ****.', 'Paid by ****.', 'Be kind.', 'paid']) expect(told).toContain(text)
  })
})

test('an SDK that is registered for the whole application is told of runs alone', async ({
  createServer,
}) => {
  const sdk = (SDKS['3'] as () => Sdk)()
  trace.setGlobalTracerProvider(sdk.tracerProvider as Parameters<typeof trace.setGlobalTracerProvider>[0])
  try {
    const plain = defineAgent({ key: 'plain', async run() {} })
    const { rest } = await createServer({ agents: [plain], tracer: openTelemetry() })
    await rest.events(`runs/${await rest.create('plain')}/events`)
    const names = () => sdk.spans().map(({ name }) => name)
    await expect.poll(names).toContain('invoke_agent plain')
    expect(names()).toEqual(['create_run plain', 'invoke_agent plain'])
  } finally {
    trace.disable()
  }
})

test('the remaining spans are sent when the runtime stops', async ({ createServer }) => {
  const sent = { 2: new line2.InMemorySpanExporter(), 3: new line3.InMemorySpanExporter() }
  const slow = { scheduledDelayMillis: 600_000 }
  const spanProcessors = [new line3.BatchSpanProcessor({ exporter: sent[3], ...slow })]
  const own = new line3.TracerProvider({ spanProcessors })
  trace.setGlobalTracerProvider(
    new line2.BasicTracerProvider({ spanProcessors: [new line2.BatchSpanProcessor(sent[2], slow)] }),
  )
  try {
    const plain = defineAgent({ key: 'plain', async run() {} })
    for (const tracer of [openTelemetry(), openTelemetry({ tracerProvider: own })]) {
      const { rest, runtime } = await createServer({ agents: [plain], tracer })
      await rest.events(`runs/${await rest.create('plain')}/events`)
      await runtime.stop()
    }
    for (const exporter of Object.values(sent)) {
      const names = exporter.getFinishedSpans().map(({ name }) => name)
      expect(names).toEqual(['create_run plain', 'invoke_agent plain'])
    }
  } finally {
    trace.disable()
  }
})

describe('what an error says', () => {
  const LEFT = { content: true, mask: () => 'masked' }
  test.for([
    ['is not told', {}, { code: 2 }],
    ['is told as the mask leaves it', LEFT, { code: 2, message: 'masked' }],
  ] as const)('%s', async ([, options, status], { createServer }) => {
    const sdk = (SDKS['3'] as () => Sdk)()
    const agent = defineAgent({
      key: 'refused',
      run: () => Promise.reject(new Error(`The card ${CARD} was refused.`)),
    })
    const { rest } = await createServer({ agents: [agent], tracer: openTelemetry({ ...sdk, ...options }) })
    await rest.events(`runs/${await rest.create('refused')}/events`)
    const attempt = () => sdk.spans().find(({ name }) => name === 'invoke_agent refused')
    await expect.poll(attempt).toMatchObject({ attributes: { 'error.type': expect.any(String) as string } })
    expect(attempt()?.status).toEqual(status)
  })
})

test('a mask that fails tells nothing', async ({ createServer }) => {
  const sdk = (SDKS['3'] as () => Sdk)()
  const mask = () => {
    throw new Error('The mask is broken.')
  }
  const tracer = openTelemetry({ ...sdk, content: true, mask })
  const agent = defineAgent({
    key: 'teller',
    run: (ctx) => toolLoop(ctx).then(({ text }) => ({ output: text })),
  })
  const model = createScriptedModel([{ text: `Paid by ${CARD}.` }])
  const { rest } = await createServer({ agents: [agent], model, tracer })
  const id = await rest.create('teller', { messages: [{ role: 'user', content: `Pay by ${CARD}.` }] })
  expect((await rest.events(`runs/${id}/events`)).at(-1)).toMatchObject({ type: 'run.succeeded' })
  await expect.poll(() => sdk.spans().at(-1)?.name).toBe('invoke_agent teller')
  const told = JSON.stringify(sdk.spans().map(({ attributes }) => attributes))
  expect(told).not.toContain(CARD)
  expect(told).toContain('The mask failed.')
})

test('what a sampler leaves out is not read, nor masked', async ({ createServer }) => {
  const tracerProvider = new line3.TracerProvider({ sampler: new line3.AlwaysOffSampler() })
  const masked: unknown[] = []
  const tracer = openTelemetry({ tracerProvider, content: true, mask: (value) => void masked.push(value) })
  const agent = defineAgent({
    key: 'teller',
    run: async (ctx) => ({ output: (await toolLoop(ctx, { tools: [pay] })).text }),
  })
  const { rest } = await createServer({ agents: [agent], model: script(), tracer })
  const id = await rest.create('teller', { messages: [{ role: 'user', content: 'Pay.' }] })
  expect((await rest.events(`runs/${id}/events`)).at(-1)).toMatchObject({ type: 'run.succeeded' })
  expect(masked).toEqual([])
})

const BROKEN: Record<string, unknown> = {
  'that throws': {
    begin() {
      throw new Error('The tracer is broken.')
    },
    continueFrom() {
      throw new Error('The tracer is broken.')
    },
  },
  'whose spans throw': {
    begin: () => ({
      traceparent: 'nonsense\u0000',
      within() {
        throw new Error('within')
      },
      answering() {
        throw new Error('answering')
      },
      end() {
        throw new Error('end')
      },
    }),
    continueFrom: (_: unknown, work: () => unknown) => [work(), work()],
  },
  'that answers nothing': { begin() {}, continueFrom() {} },
  'that is a number': 3,
}

describe.each(Object.entries(BROKEN))('a tracer %s', (_, tracer) => {
  test('changes nothing, and is logged once', async ({ createServer }) => {
    const agent = defineAgent({
      key: 'plain',
      async run(ctx) {
        const reply = await toolLoop(ctx, { tools: [pay] })
        return { output: reply.text }
      },
    })
    const server = await createServer({ agents: [agent], model: script(), tracer: tracer as Tracer })
    const id = await server.rest.create('plain', { messages: [{ role: 'user', content: 'Pay.' }] })
    const events = await server.rest.events(`runs/${id}/events`)
    expect(events.at(-1)).toMatchObject({ type: 'run.succeeded' })
    const told = server.log.filter(({ message }) => message === 'the tracer failed: runs go on untraced')
    expect(told).toHaveLength(1)
  })
})
