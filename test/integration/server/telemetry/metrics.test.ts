// The metrics of a runtime, as Prometheus and OpenTelemetry's SDK get them.
import * as line3 from '@opentelemetry/sdk-metrics'
import * as line2 from 'opentelemetry-sdk-metrics-2'
import { describe, expect } from 'vitest'
import { z } from 'zod'
import { ModelError, defineAgent, defineTool, toolLoop } from '../../../../server/index.ts'
import type { Metrics, Model } from '../../../../server/index.ts'
import { createScriptedModel } from '../../../../server/models/scripted.ts'
import { openTelemetryMetrics } from '../../../../server/telemetry/opentelemetry/index.ts'
import type { OpenTelemetryMetricsOptions } from '../../../../server/telemetry/opentelemetry/index.ts'
import { prometheus } from '../../../../server/telemetry/prometheus/index.ts'
import { readPrometheusText } from '../../../support/prometheus-text.ts'
import { test } from '../../../support/runtime.ts'

const UNTIL = { timeout: 10_000 }

const pay = defineTool({
  name: 'pay',
  description: 'Pays',
  input: z.object({ sum: z.number() }),
  execute: ({ sum }) => ({ paid: sum }),
})
const payer = defineAgent({
  key: 'payer',
  maxAttempts: 2,
  async run(ctx) {
    if (ctx.attempt === 1) throw new Error('The bank is closed.')
    const { text } = await toolLoop(ctx, { tools: [pay] })
    return { output: text }
  },
})
const asker = defineAgent({
  key: 'asker',
  async run(ctx) {
    await ctx.wait('sure', z.boolean())
  },
})
const usage = { inputTokens: 3, outputTokens: 4 }
const script = () =>
  createScriptedModel([
    { toolCalls: [{ name: 'pay', arguments: { sum: 7 } }], usage },
    { text: 'Paid.', usage },
  ])
/** Half a dollar per token. */
const prices = { 'scripted/scripted': { input: 500_000, output: 500_000 } }

describe('Prometheus', () => {
  test('reads what became of runs, models, tools, and how the process is', async ({ createServer }) => {
    const metrics = prometheus()
    const { rest } = await createServer({ agents: [payer, asker], model: script(), metrics, prices })
    const id = await rest.create('payer')
    expect((await rest.events(`runs/${id}/events`)).at(-1)).toMatchObject({ type: 'run.succeeded' })
    const waiting = await rest.create('asker')
    const stream = await rest.stream(`runs/${waiting}/events`)
    await stream.until('run.waiting')

    const read = async () => readPrometheusText(await metrics.text())
    const valuesOf = async (name: string) => (await read()).get(name)
    await expect
      .poll(() => valuesOf('agent_runtime_runs_ended_total'), UNTIL)
      .toEqual([{ labels: { gen_ai_agent_name: 'payer', agent_runtime_run_status: 'succeeded' }, value: 1 }])
    const families = await read()
    const of = (name: string) => families.get(name)
    expect(of('agent_runtime_runs_created_total')).toEqual([
      { labels: { gen_ai_agent_name: 'payer' }, value: 1 },
      { labels: { gen_ai_agent_name: 'asker' }, value: 1 },
    ])
    expect(of('agent_runtime_runs_open')).toEqual([
      { labels: { gen_ai_agent_name: 'asker', agent_runtime_run_status: 'waiting' }, value: 1 },
    ])
    const attempts = of('agent_runtime_attempt_duration_seconds_count') ?? []
    expect(attempts.map(({ labels, value }) => [labels['agent_runtime_run_status'], value])).toEqual([
      ['queued', 1],
      ['succeeded', 1],
      ['waiting', 1],
    ])
    expect(of('agent_runtime_queue_wait_seconds_count')).toMatchObject([{ value: 1 }, { value: 1 }])
    expect(of('agent_runtime_first_event_seconds_count')).toMatchObject([
      { labels: { gen_ai_agent_name: 'payer' }, value: 1 },
    ])
    expect(of('agent_runtime_subscribers')).toEqual([
      { labels: { kind: 'run' }, value: 1 },
      { labels: { kind: 'conversation' }, value: 0 },
    ])
    const model = {
      gen_ai_operation_name: 'chat',
      gen_ai_provider_name: 'scripted',
      gen_ai_request_model: 'scripted',
    }
    expect(of('gen_ai_client_operation_duration_seconds_count')).toMatchObject([
      { labels: { ...model, error_type: '' }, value: 2 },
    ])
    expect(of('gen_ai_client_token_usage_count')).toMatchObject([
      { labels: { ...model, gen_ai_token_type: 'input' }, value: 2 },
      { labels: { ...model, gen_ai_token_type: 'output' }, value: 2 },
    ])
    expect(of('agent_runtime_model_cost_total')).toEqual([{ labels: model, value: 7 }])
    expect(of('agent_runtime_tool_duration_seconds_count')).toMatchObject([
      { labels: { gen_ai_tool_name: 'pay', error_type: '' }, value: 1 },
    ])
    for (const name of [
      'agent_runtime_flush_duration_seconds_bucket',
      'agent_runtime_flush_size_sum',
      'agent_runtime_events_written_total',
      'agent_runtime_notification_lag_seconds_bucket',
      'agent_runtime_database_connections',
      'nodejs_eventloop_lag_seconds',
    ]) {
      expect([name, of(name)?.length]).not.toEqual([name, undefined])
    }
    await stream.close()
    await expect
      .poll(() => valuesOf('agent_runtime_subscribers'), UNTIL)
      .toMatchObject([{ value: 0 }, { value: 0 }])
  })

  test('uses the names of existing tools, not names that models make up', async ({ createServer }) => {
    const metrics = prometheus({ node: false })
    const agent = defineAgent({
      key: 'agent',
      async run(ctx) {
        await toolLoop(ctx, { tools: [pay] })
      },
    })
    const toolCalls = ['pay', 'made_up', 'made_up_too'].map((name) => ({ name, arguments: { sum: 7 } }))
    const model = createScriptedModel([{ toolCalls }, { text: 'Paid.' }])
    const { rest } = await createServer({ agents: [agent], model, metrics })
    const id = await rest.create('agent')
    expect((await rest.events(`runs/${id}/events`)).at(-1)).toMatchObject({ type: 'run.succeeded' })
    const counts = readPrometheusText(await metrics.text()).get('agent_runtime_tool_duration_seconds_count')
    const named = counts?.map(({ labels, value }) => [labels['gen_ai_tool_name'], value]) ?? []
    expect(Object.fromEntries(named)).toEqual({ pay: 1, unknown: 2 })
  })

  test('books what an answer took and cost on the model that gave it', async ({ createServer }) => {
    const metrics = prometheus({ node: false })
    const down: Model = {
      provider: 'down',
      name: 'gone',
      // oxlint-disable-next-line require-yield -- It never answers.
      async *stream() {
        throw new ModelError('The model is overloaded.', { retriable: true, code: 'overloaded' })
      },
    }
    const chooser = defineAgent({
      key: 'chooser',
      async run(ctx) {
        await ctx.llm('down/gone', 'up/scripted').generate('Hello.')
        // A type that the runtime does not know.
        await toolLoop(ctx, { model: createScriptedModel([{ text: 'Hi.', usage }]) })
      },
    })
    const up = createScriptedModel([{ text: 'Hi.', usage }])
    const models = { down: () => down, up: () => up }
    const { rest } = await createServer({ agents: [chooser], metrics, models, prices })
    const id = await rest.create('chooser')
    expect((await rest.events(`runs/${id}/events`)).at(-1)).toMatchObject({ type: 'run.succeeded' })
    await expect
      .poll(async () => readPrometheusText(await metrics.text()).get('agent_runtime_model_cost_total'), UNTIL)
      .toMatchObject([{ labels: { gen_ai_request_model: 'scripted' }, value: 7 }])
  })

  test('counts runs that end without a worker', async ({ createServer }) => {
    const metrics = prometheus({ node: false })
    const { rest } = await createServer({ agents: [asker], metrics, worker: false })
    const id = await rest.create('asker')
    await rest.post(`runs/${id}/cancel`)
    expect(readPrometheusText(await metrics.text()).get('agent_runtime_runs_ended_total')).toEqual([
      { labels: { gen_ai_agent_name: 'asker', agent_runtime_run_status: 'cancelled' }, value: 1 },
    ])
  })

  test('has the other metrics while the database can not be read', async () => {
    const metrics = prometheus({ node: false })
    const gauge = (name: string) =>
      ({ name, description: 'A gauge', unit: '{run}', labels: [], across: 'max' }) as const
    metrics.observe(gauge('gone'), () => Promise.reject(new Error('away')))
    metrics.observe(gauge('there'), () => [{ value: 3, labels: {} }])
    const families = readPrometheusText(await metrics.text())
    expect(families.get('gone')).toBeUndefined()
    expect(families.get('there')).toEqual([{ labels: {}, value: 3 }])
  })
})

/** The same classes from both major versions of the SDK. */
const SDKS = { 2: line2 as unknown as typeof line3, 3: line3 }

test.for(Object.entries(SDKS))(
  'OpenTelemetry %s gets the same by its own names',
  async ([, sdk], { createServer }) => {
    const exporter = new sdk.InMemoryMetricExporter(sdk.AggregationTemporality.CUMULATIVE)
    const reader = new sdk.PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
    const meterProvider = new sdk.MeterProvider({ readers: [reader] })
    const options: OpenTelemetryMetricsOptions = { meterProvider }
    const metrics = openTelemetryMetrics(options)
    const { rest } = await createServer({ agents: [payer], model: script(), metrics })
    const id = await rest.create('payer')
    await rest.events(`runs/${id}/events`)
    await expect
      .poll(async () => {
        await meterProvider.forceFlush()
        const told =
          exporter
            .getMetrics()
            .at(-1)
            ?.scopeMetrics.flatMap((scope) => scope.metrics) ?? []
        return Object.fromEntries(
          told.map(({ descriptor, dataPoints }) => [
            `${descriptor.name} ${descriptor.unit}`,
            dataPoints.map(({ attributes }) => attributes),
          ]),
        )
      }, UNTIL)
      .toMatchObject({
        'agent_runtime.runs.ended {run}': [
          { 'gen_ai.agent.name': 'payer', 'agent_runtime.run.status': 'succeeded' },
        ],
        'agent_runtime.attempt.duration s': [
          { 'agent_runtime.run.status': 'queued' },
          { 'agent_runtime.run.status': 'succeeded' },
        ],
        'gen_ai.client.operation.duration s': [
          {
            'gen_ai.operation.name': 'chat',
            'gen_ai.provider.name': 'scripted',
            'gen_ai.request.model': 'scripted',
          },
        ],
        'gen_ai.client.token.usage {token}': [
          { 'gen_ai.token.type': 'input' },
          { 'gen_ai.token.type': 'output' },
        ],
        'agent_runtime.database.connections {connection}': [{ state: 'idle' }, { state: 'busy' }],
      })
    await meterProvider.shutdown()
  },
)

test('metrics that throw change nothing, and are told of once', async ({ createServer }) => {
  const broken = () => {
    throw new Error('The metrics are broken.')
  }
  const metrics: Metrics = { add: broken, record: broken, observe: broken }
  const { rest, log } = await createServer({ agents: [payer], model: script(), metrics })
  const id = await rest.create('payer')
  expect((await rest.events(`runs/${id}/events`)).at(-1)).toMatchObject({ type: 'run.succeeded' })
  expect(log.filter(({ message }) => message.includes('metrics failed'))).toHaveLength(1)
})
