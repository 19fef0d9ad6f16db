import fc from 'fast-check'
import { expect } from 'vitest'
import { z } from 'zod'
import type { Json } from '../../../../server/contract/json.ts'
import { defineAgent } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'

test('any JSON comes back as it was sent: params, metadata, events, output, checkpoint', async ({
  createServer,
}) => {
  const seen: unknown[] = []
  const echo = defineAgent({
    key: 'echo',
    params: z.unknown(),
    async run(ctx) {
      seen.push(ctx.params, ctx.metadata)
      await ctx.emit('tool.result', { toolCallId: '1', tool: 't', result: ctx.params as Json })
      await ctx.checkpoint(ctx.params as Json)
      return { output: ctx.params as Json }
    },
  })
  const { rest } = await createServer({ agents: [echo] })
  const json = fc.jsonValue({ stringUnit: 'grapheme' })
  await fc.assert(
    fc.asyncProperty(json, async (value) => {
      const sent = JSON.parse(JSON.stringify(value), (key, inner: unknown) =>
        key === '__proto__' ? undefined : inner,
      ) as Json
      // Another test covers U+0000, which is refused and not altered.
      fc.pre(!JSON.stringify(sent).includes('\\u0000') && sent !== null)
      const id = await rest.create('echo', { params: sent, metadata: { sent } })
      const events = await rest.events(`runs/${id}/events?include_all=1`)
      expect(seen.splice(0)).toEqual([sent, { sent }])
      expect(events.map(({ payload }) => payload).slice(1)).toEqual([
        { tool_call_id: '1', tool: 't', id: '1', name: 't', result: sent },
        { state: sent },
        { output: sent, usage: {} },
      ])
      expect((await rest.get(`runs/${id}`)).body).toMatchObject({
        input: { params: sent },
        metadata: { sent },
        output: { final_output: sent },
      })
    }),
    { numRuns: 60 },
  )
})
