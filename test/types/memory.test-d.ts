import { expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { createAgentClient } from '../../client/index.ts'
import type { StoredMemory } from '../../client/index.ts'
import { defineAgent, memoryTools, toolLoop } from '../../server/index.ts'
import type { Json } from '../../server/index.ts'

it('has the types of a schema, and those of JSON without one', () => {
  const agent = defineAgent({
    key: 'agent',
    async run(ctx) {
      const visits = ctx.memory('visits', {
        schema: z.object({ at: z.coerce.date(), n: z.number().default(1) }),
      })
      expectTypeOf(await visits.get('last')).toEqualTypeOf<{ at: Date; n: number } | undefined>()
      await visits.set('last', { at: '2026-01-01' })
      // @ts-expect-error that is no number
      await visits.set('last', { at: 0, n: 'one' })
      const [entry] = await visits.list({ search: 'x', limit: 1 })
      expectTypeOf(entry?.value.at).toEqualTypeOf<Date | undefined>()
      const notes = ctx.memory('notes', { share: 'tenant' })
      expectTypeOf(await notes.get('a')).toEqualTypeOf<Json | undefined>()
      // @ts-expect-error a function is no JSON
      await notes.set('a', () => {})
      // @ts-expect-error it is a principal's, or a tenant's
      ctx.memory('notes', { share: 'world' })
      await toolLoop(ctx, { tools: memoryTools(ctx, { isReadOnly: true }) })
    },
  })
  expectTypeOf(agent.key).toEqualTypeOf<'agent'>()
})

it('is listed by the client', () => {
  const client = createAgentClient({ url: '/trpc' })
  const list = async () => {
    expectTypeOf((await client.memories.list({ search: 'x' })).items).toEqualTypeOf<StoredMemory[]>()
    // @ts-expect-error there is no such scope
    await client.memories.list({ scope: 'all' })
  }
  expectTypeOf(list).toBeFunction()
})
