import { describe, expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import { z as z3 } from 'zod/v3'
import { agentTool, defineAgent, defineTool } from '../../server/index.ts'
import type { AnyTool, Approval, Json, JsonObject } from '../../server/index.ts'

describe('what an agent author writes', () => {
  test('a wait without a time limit has an answer; with one, it may have none', () => {
    const declared = defineAgent({
      key: 'a',
      async run(ctx) {
        const answered = await ctx.wait('n', z.object({ n: z.coerce.number() }))
        expectTypeOf(answered.value).toEqualTypeOf<{ n: number }>()
        const outcome = await ctx.wait('n', z.string(), { timeoutMs: 1_000 })
        expectTypeOf(outcome.status).toEqualTypeOf<'answered' | 'timed_out'>()
        // @ts-expect-error there may be no answer
        expectTypeOf(outcome.value).toBeString()
        if (outcome.status === 'answered') expectTypeOf(outcome.value).toEqualTypeOf<string>()
      },
    })
    expectTypeOf(declared.key).toEqualTypeOf<'a'>()
  })

  test('a run of another agent takes its params and answers with its output', () => {
    const research = defineAgent({
      key: 'research',
      params: z.object({ topic: z.string(), depth: z.number().default(1) }),
      output: z.object({ at: z.date() }),
      run: async () => ({ output: { at: new Date() } }),
    })
    const free = defineAgent({ key: 'free', async run() {} })
    defineAgent({
      key: 'a',
      async run(ctx) {
        const { output, text } = await ctx.runAgent(research, { params: { topic: 'tides' } })
        expectTypeOf(output).toEqualTypeOf<{ at: string }>()
        expectTypeOf(text).toEqualTypeOf<string>()
        const started = await ctx.startAgent(research, { params: { topic: 'tides' } })
        await ctx.startAgent(free, { onEnd: 'continue' })
        await ctx.startAgent(research, { params: { topic: 'tides' }, onEnd: 'continue' })
        // @ts-expect-error an end has the conversation go on, or nothing
        await ctx.startAgent(free, { onEnd: 'stop' })
        // @ts-expect-error only detached runs end later
        await ctx.runAgent(free, { onEnd: 'continue' })
        expectTypeOf((await started.result()).output.at).toEqualTypeOf<string>()
        expectTypeOf((await ctx.runAgent(free)).output).toEqualTypeOf<Json>()
        await ctx.runAgent(free, { messages: 'Hello', params: { any: 1 } })
        expectTypeOf(await ctx.handOff(free)).toEqualTypeOf<{ runId: string }>()
        // @ts-expect-error its params are needed
        await ctx.handOff(research)
        // @ts-expect-error its params are needed
        await ctx.runAgent(research)
        // @ts-expect-error a topic is a text
        await ctx.runAgent(research, { params: { topic: 7 } })
        // @ts-expect-error there is no such output
        expectTypeOf(output.summary).toBeString()
        // @ts-expect-error only the runtime tells of runs below
        await ctx.emit('child.ended', {})
      },
    })
    expectTypeOf(agentTool(research)).toExtend<AnyTool>()
    agentTool(research, {
      input: z.object({ about: z.string() }),
      run: ({ about }) => ({ params: { topic: about } }),
    })
    agentTool(research, {
      input: z.object({ about: z.string() }),
      // @ts-expect-error a topic is a text
      run: () => ({ params: { topic: 7 } }),
    })
  })

  test('an approval says why it is none', () => {
    const declared = defineAgent({
      key: 'a',
      async run(ctx) {
        const approval = await ctx.approve({ name: 'refund', arguments: { amount: 1 } })
        expectTypeOf(approval).toEqualTypeOf<Approval>()
        if (!approval.approved) expectTypeOf(approval.reason).toEqualTypeOf<'denied' | 'timed_out'>()
        // @ts-expect-error arguments are JSON
        await ctx.approve({ name: 'refund', arguments: 1n })
      },
    })
    expectTypeOf(declared.key).toEqualTypeOf<'a'>()
  })

  test('a step has what JSON makes of its result', () => {
    interface Order {
      id: string
      at: Date
      note?: string | undefined
      items: readonly { price: { toJSON(): number } | undefined }[]
      total: bigint
      cancel(): void
    }
    const declared = defineAgent({
      key: 'a',
      async run(ctx) {
        expectTypeOf(await ctx.step('s', () => ({ n: 1 }))).toEqualTypeOf<{ n: number }>()
        expectTypeOf(await ctx.step('s', async () => 'text')).toEqualTypeOf<string>()
        expectTypeOf(await ctx.step('s', () => {})).toEqualTypeOf<void>()
        expectTypeOf(await ctx.step('s', () => new Date())).toEqualTypeOf<string>()
        expectTypeOf(await ctx.step('s', () => [new Date(), 1])).toEqualTypeOf<(string | number)[]>()
        expectTypeOf(await ctx.step('s', (): Json => null)).toEqualTypeOf<Json>()
        expectTypeOf(await ctx.step('s', () => JSON.parse('1') as unknown)).toEqualTypeOf<Json>()
        const order = await ctx.step('s', (): Order | null => null)
        expectTypeOf(order).toEqualTypeOf<{
          id: string
          at: string
          note?: string
          items: readonly { price?: number }[]
          total: never
          cancel: never
        } | null>()
      },
    })
    expectTypeOf(declared.key).toEqualTypeOf<'a'>()
  })

  test('without a schema, params are any JSON or none', () => {
    const declared = defineAgent({
      key: 'a',
      async run(ctx) {
        expectTypeOf(ctx.params).toEqualTypeOf<Json | undefined>()
      },
    })
    expectTypeOf(declared.key).toEqualTypeOf<'a'>()
  })

  test('which calls of a tool need approval is said by its own input', () => {
    const declared = defineTool({
      name: 'refund',
      description: '',
      input: z.object({ amount: z.number() }),
      needsApproval: (input) => {
        expectTypeOf(input).toEqualTypeOf<{ amount: number }>()
        return input.amount > 100
      },
      execute: () => null,
    })
    expectTypeOf(declared.name).toEqualTypeOf<'refund'>()
  })

  test("a tool's input is what its schema makes of it: of zod 3 and 4, or as far as a JSON Schema tells", () => {
    const rest = { name: 'act', description: '' } as const
    const written = {
      type: 'object',
      properties: {
        city: { type: 'string' },
        unit: { enum: ['celsius', 'fahrenheit'] },
        days: { type: 'array', items: { type: 'integer' } },
        more: { type: 'object' },
        any: {},
      },
      required: ['city', 'any'],
    } as const
    const declared = defineTool({
      ...rest,
      input: written,
      execute(input) {
        expectTypeOf(input).toEqualTypeOf<{
          city: string
          unit?: 'celsius' | 'fahrenheit'
          days?: number[]
          more?: JsonObject
          any: Json
        }>()
        return null
      },
    })
    defineTool({
      ...rest,
      input: z3.object({ at: z3.string().transform(Number) }),
      execute(input) {
        expectTypeOf(input).toEqualTypeOf<{ at: number }>()
        return null
      },
    })
    defineTool({
      ...rest,
      input: z.object({ at: z.string().transform(Number) }),
      execute(input, ctx) {
        expectTypeOf(input).toEqualTypeOf<{ at: number }>()
        // @ts-expect-error progress is JSON
        void ctx.report(1n)
        return null
      },
    })
    expectTypeOf(declared.input).toEqualTypeOf<typeof written>()
    // @ts-expect-error text is no schema
    defineTool({ ...rest, input: 'text', execute: () => null })
    // @ts-expect-error there is no such way
    defineTool({ ...rest, input: z.object({}), replay: 'never', execute: () => null })
    // @ts-expect-error a result is JSON
    defineTool({ ...rest, input: z.object({}), execute: () => 1n })
  })

  test("a tool's result is what its output schema takes", () => {
    const rest = { name: 'act', description: '', input: z.object({}) } as const
    const output = z.object({ at: z.date().transform(String) })
    const declared = defineTool({ ...rest, output, execute: () => ({ at: new Date() }) })
    expectTypeOf(declared.name).toEqualTypeOf<'act'>()
    // @ts-expect-error a date is no text
    defineTool({ ...rest, output, execute: () => ({ at: 'now' }) })
  })

  test('objects of interfaces and classes are taken where JSON is made of them, and nothing that is none', () => {
    interface Weather {
      celsius: number
      at: Date
      tomorrow?: Weather
    }
    class Receipt {
      total = 1
    }
    const weather: Weather = { celsius: 21, at: new Date() }
    const rest = { name: 'act', description: '', input: z.object({}) } as const
    expectTypeOf(defineTool({ ...rest, execute: () => weather }).name).toEqualTypeOf<'act'>()
    defineTool({ ...rest, execute: async () => [new Receipt()] })
    defineAgent({
      key: 'a',
      async run(ctx) {
        await ctx.emitError('Too hot', weather)
        await ctx.checkpoint(weather)
        await ctx.approve({ name: 'cool', arguments: weather }, { details: new Receipt() })
        await ctx.wait('n', z.string(), { details: weather })
        // @ts-expect-error JSON can't hold a map
        await ctx.emitError('Too hot', new Map())
        // @ts-expect-error a function is no JSON
        await ctx.approve({ name: 'cool', arguments: () => weather })
        return { output: weather }
      },
    })
    // @ts-expect-error JSON can't hold a set
    defineTool({ ...rest, execute: () => new Set([1]) })
    // @ts-expect-error a class is no JSON
    defineAgent({ key: 'a', run: async () => ({ output: Receipt }) })
  })

  test('a conversation policy is one of three', () => {
    const declared = defineAgent({ key: 'a', conversationPolicy: 'interrupt', run: async () => {} })
    expectTypeOf(declared.key).toEqualTypeOf<'a'>()
    // @ts-expect-error there is no such policy
    defineAgent({ key: 'a', conversationPolicy: 'never', run: async () => {} })
  })
})
