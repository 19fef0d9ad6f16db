import { describe, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { createAgentClient } from '../../client/index.ts'
import { createAgentRuntime, defineAgent } from '../../server/index.ts'
import type { Json } from '../../server/index.ts'

const inline = createAgentRuntime({
  agents: [
    defineAgent({
      key: 'greeter',
      params: z.object({ name: z.string(), tone: z.enum(['warm', 'terse']).default('warm') }),
      output: z.object({ greeting: z.string() }),
      events: { 'greeter.progress': { schema: z.object({ percent: z.number() }), visibility: 'debug' } },
      async run(ctx) {
        await ctx.emit('greeter.progress', { percent: 50 })
        // @ts-expect-error percent is a number
        await ctx.emit('greeter.progress', { percent: 'half' })
        expectTypeOf(ctx.params).toEqualTypeOf<{ name: string; tone: 'warm' | 'terse' }>()
        return { output: { greeting: `Hello ${ctx.params.name}` } }
      },
    }),
    defineAgent({ key: 'bare', run: async () => {} }),
    defineAgent({
      key: 'plain',
      events: { note: { schema: z.string() } },
      async run(ctx) {
        await ctx.emit('note', 'a')
        expectTypeOf(ctx.params).toEqualTypeOf<Json | undefined>()
        return { output: 1 }
      },
    }),
  ],
})

const client = createAgentClient<typeof inline>({ url: '/trpc' })

describe('agents defined within the list of a runtime', () => {
  it('keep their keys', () => {
    expectTypeOf<(typeof inline)['$agents']['key']>().toEqualTypeOf<'greeter' | 'bare' | 'plain'>()
    // @ts-expect-error there is no such agent
    void client.runs.create({ agentKey: 'nobody' })
  })

  it('keep their params', () => {
    const created = client.runs.create({ agentKey: 'greeter', params: { name: 'Ada' } })
    expectTypeOf(created).resolves.toHaveProperty('id')
    void client.runs.create({ agentKey: 'bare' })
    // @ts-expect-error a name is required
    void client.runs.create({ agentKey: 'greeter', params: {} })
    // @ts-expect-error no such tone
    void client.runs.create({ agentKey: 'greeter', params: { name: 'Ada', tone: 'cold' } })
  })

  it('keep their outputs and events', async () => {
    const run = await client.runs.create({ agentKey: 'greeter', params: { name: 'Ada' } })
    expectTypeOf(await run.result()).toEqualTypeOf<{ greeting: string }>()
    for await (const event of run.events()) {
      if (event.type === 'greeter.progress') {
        expectTypeOf(event.payload).toEqualTypeOf<{ percent: number }>()
      }
      // @ts-expect-error no agent emits this
      void (event.type === 'greeter.finished')
    }
    const plain = await client.runs.create({ agentKey: 'plain' })
    expectTypeOf(await plain.result()).toEqualTypeOf<Json>()
    for await (const event of plain.events()) {
      if (event.type === 'note') expectTypeOf(event.payload).toEqualTypeOf<string>()
    }
    const bare = await client.runs.create({ agentKey: 'bare' })
    for await (const event of bare.events()) {
      // @ts-expect-error it has no events of its own
      void (event.type === 'note')
    }
  })
})
