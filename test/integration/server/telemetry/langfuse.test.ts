// What Langfuse is sent, decoded by a receiver on the loopback.
import { expect, vi } from 'vitest'
import { z } from 'zod'
import {
  ConfigError,
  createAgentRuntime,
  defineAgent,
  defineTool,
  toolLoop,
} from '../../../../server/index.ts'
import { createScriptedModel } from '../../../../server/models/scripted.ts'
import { langfuse } from '../../../../server/telemetry/langfuse/index.ts'
import type { LangfuseOptions } from '../../../../server/telemetry/langfuse/index.ts'
import { startOtlpReceiver } from '../../../support/otlp-receiver.ts'
import { test } from '../../../support/runtime.ts'

const CARD = '4111111111111111'
const pay = defineTool({
  name: 'pay',
  description: 'Pays',
  input: z.object({ card: z.string() }),
  execute: ({ card }) => ({ paid: card }),
})
const payer = defineAgent({
  key: 'payer',
  async run(ctx) {
    const { text, messages } = await toolLoop(ctx, { tools: [pay] })
    return { output: text, messages }
  },
})
const script = () =>
  createScriptedModel([
    { toolCalls: [{ name: 'pay', arguments: { card: CARD } }] },
    { text: `Paid by ${CARD}.`, usage: { inputTokens: 1, outputTokens: 1 } },
  ])
const KEYS: LangfuseOptions = { publicKey: 'pk-lf-1', secretKey: 'sk-lf-2' }

test('one setting sends runs as traces of sessions, with generations and tools', async ({ createServer }) => {
  await using receiver = await startOtlpReceiver()
  const { rest, runtime } = await createServer({
    agents: [payer],
    model: script(),
    prices: { 'scripted/scripted': { input: 500_000, output: 500_000 } },
    config: {
      langfuseEnabled: true,
      langfusePublicKey: 'pk-lf-1',
      langfuseSecretKey: 'sk-lf-2',
      langfuseHost: receiver.host,
    },
  })
  const { body } = await rest.post('conversations', {})
  const conversationId = body['id'] as string
  const id = await rest.create('payer', {
    conversation_id: conversationId,
    messages: [{ role: 'user', content: 'Pay, please.' }],
  })
  await rest.events(`runs/${id}/events`)
  // The rest is sent at the end.
  await runtime.stop()

  const [first] = receiver.received
  expect(first?.path).toBe('/api/public/otel/v1/traces')
  expect(first?.authorization).toBe(`Basic ${Buffer.from('pk-lf-1:sk-lf-2').toString('base64')}`)
  const spans = receiver.received.flatMap((request) => request.spans)
  expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1)
  const of = (type: string) =>
    spans.filter(({ attributes }) => attributes['langfuse.observation.type'] === type)
  const [agent] = of('agent')
  expect(agent?.attributes).toMatchObject({
    'session.id': conversationId,
    'user.id': 'public',
    'langfuse.trace.name': 'payer',
    'langfuse.trace.output': `Paid by ${CARD}.`,
  })
  expect(agent?.attributes['langfuse.trace.input']).toContain('Pay, please.')
  const generations = of('generation')
  expect(generations).toHaveLength(2)
  expect(generations[1]?.attributes).toMatchObject({
    'gen_ai.request.model': 'scripted',
    'gen_ai.usage.input_tokens': 1,
    'langfuse.observation.cost_details': '{"total":1}',
    'langfuse.observation.output': `Paid by ${CARD}.`,
  })
  expect(of('tool')[0]?.attributes).toMatchObject({
    'gen_ai.tool.name': 'pay',
    'langfuse.observation.input': JSON.stringify({ card: CARD }),
    'langfuse.observation.output': JSON.stringify({ paid: CARD }),
  })
  // No context manager is registered here, and spans still have the right parents.
  const parents = new Map(spans.map(({ spanId, parentSpanId }) => [spanId, parentSpanId]))
  expect(parents.get(parents.get(generations[0]?.spanId ?? '') ?? '')).toBe(agent?.spanId)
})

test('a mask reaches all that was said', async ({ createServer }) => {
  await using receiver = await startOtlpReceiver()
  const tracer = langfuse({
    ...KEYS,
    host: `${receiver.host}/`,
    mask: (value) => JSON.parse(JSON.stringify(value).replaceAll(/\d{16}/g, '****')) as unknown,
  })
  const { rest, runtime } = await createServer({ agents: [payer], model: script(), tracer })
  const id = await rest.create('payer', { messages: [{ role: 'user', content: `Pay by ${CARD}.` }] })
  await rest.events(`runs/${id}/events`)
  await runtime.stop()
  const text = receiver.received.map((request) => request.text).join('')
  expect(text).toContain('Pay by ****.')
  expect(text).not.toContain(CARD)
})

test('a Langfuse that is away costs no run, and little at the end', async ({ createServer }) => {
  const { rest, runtime } = await createServer({
    agents: [payer],
    model: script(),
    tracer: langfuse({ ...KEYS, host: 'http://127.0.0.1:1' }),
  })
  const id = await rest.create('payer')
  expect((await rest.events(`runs/${id}/events`)).at(-1)).toMatchObject({ type: 'run.succeeded' })
  await runtime.stop()
})

test('a missing key, and two tracers, are said at once', () => {
  vi.stubEnv('LANGFUSE_PUBLIC_KEY', undefined)
  const config = { langfuseEnabled: true }
  expect(() => createAgentRuntime({ agents: [payer], config })).toThrow(
    'Langfuse needs a key: set LANGFUSE_PUBLIC_KEY, or pass publicKey.',
  )
  expect(() => createAgentRuntime({ agents: [payer], config, tracer: langfuse(KEYS) })).toThrow(ConfigError)
  vi.unstubAllEnvs()
})
