import { expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../../server/index.ts'
import { createScriptedModel, createTestRuntime } from '../../testing/index.ts'

const chat = defineAgent({
  key: 'chat',
  params: z.object({ tone: z.string() }),
  output: z.object({ text: z.string() }),
  run: async () => ({ output: { text: '' } }),
})

test('a run of a test has the types of its agent', async () => {
  const runtime = await createTestRuntime({ agents: [chat] })
  const run = await runtime.run({ agentKey: 'chat', params: { tone: 'warm' } })
  expectTypeOf(run.output).toEqualTypeOf<{ text: string } | null>()
  // @ts-expect-error there is no such agent
  await runtime.run({ agentKey: 'other' })
  // @ts-expect-error tones are text
  await runtime.run({ agentKey: 'chat', params: { tone: 1 } })
  createScriptedModel([{ asked: { messages: [{ role: 'user' }] }, text: 'Hi' }])
  // @ts-expect-error there is no such role
  createScriptedModel([{ asked: { messages: [{ role: 'robot' }] }, text: 'Hi' }])
})
