// Tool calls that reach a page have the types that their agent declares.
import { waitFor } from '@testing-library/react'
import { expect, expectTypeOf } from 'vitest'
import { z } from 'zod'
import { partsOf } from '../../../client/index.ts'
import type { ShapesOf } from '../../../client/index.ts'
import { defineAgent, defineTool, toolLoop } from '../../../server/index.ts'
import { createScriptedModel } from '../../../server/models/scripted.ts'
import { test } from '../../support/runtime.ts'
import { createHookPage } from './hook-page.tsx'

const PATIENCE = { timeout: 20_000 }

const findShoes = defineTool({
  name: 'find_shoes',
  description: 'Finds shoes',
  input: z.object({ size: z.string().transform(Number), color: z.string().default('black') }),
  output: z.object({ since: z.date(), color: z.string() }),
  execute: ({ color }) => ({ since: new Date(0), color }),
})
const extra = defineTool({
  name: 'extra',
  description: 'Is not declared',
  input: z.object({}),
  execute: () => [1],
})

const shop = defineAgent({
  key: 'shop',
  events: { 'shop.opened': { schema: z.object({ at: z.date() }) } },
  waits: { confirm: z.boolean() },
  tools: {
    find_shoes: findShoes,
    pick_color: {
      description: 'Has the user pick a color',
      input: z.object({ shades: z.number().default(3) }),
      output: z.object({ color: z.string().transform((color) => [color]) }),
    },
  },
  async run(ctx) {
    if (ctx.attempt === 1) await ctx.emit('shop.opened', { at: new Date(0) })
    const reply = await toolLoop(ctx, { tools: [...ctx.tools, extra] })
    await ctx.wait('confirm')
    return { messages: reply.messages }
  },
})
const greeter = defineAgent({ key: 'greeter', run: async () => {} })

test('parts have the declared types, live and after a reload', async ({ createServer }) => {
  const model = createScriptedModel([
    {
      text: 'Let me see.',
      toolCalls: [
        { name: 'find_shoes', arguments: { size: '42' } },
        { name: 'find_shoes', arguments: { size: 42 } },
        { name: 'pick_color', arguments: {} },
        { name: 'extra', arguments: {} },
      ],
    },
    { text: 'Here they are.' },
  ])
  const { runtime } = await createServer({ agents: [shop, greeter], model })
  const { client, hooks, show } = createHookPage(runtime)
  const { id } = await client.conversations.create()
  const told: string[] = []
  const heard: unknown[] = []
  const { result } = show(() =>
    hooks.useConversation(id, {
      includeDebug: true,
      tools: { pick_color: ({ shades }) => ({ color: `color ${shades}` }) },
      onEvent(event) {
        if (event.type === 'shop.opened') told.push(event.payload.at.slice(0, 10))
        if (event.type === 'tool.call' && event.payload.tool === 'pick_color')
          heard.push(event.payload.arguments.shades ?? 'no shades')
        if (event.type !== 'tool.result') return
        const { payload } = event
        if (payload.isError) heard.push(payload.result)
        else if (payload.tool === 'find_shoes') heard.push(payload.result.since.slice(0, 10))
        else if (payload.tool === 'pick_color') heard.push(payload.result.color)
      },
    }),
  )
  await waitFor(() => expect(result.current.conversation).toBeDefined(), PATIENCE)
  const run = await result.current.send('Shoes', { agentKey: 'shop' })
  expectTypeOf(run.agentKey).toEqualTypeOf<'shop'>()

  const parts = () => result.current.messages.flatMap((message) => message.parts)
  /** What a page shows of the calls, narrowed by their types. */
  const shown = (all: ReturnType<typeof parts>) =>
    all.flatMap((part): unknown => {
      if (part.type === 'custom') return `${part.event.type} ${part.event.payload.at.slice(0, 4)}`
      if (part.type === 'wait') return `wait ${part.wait.name}`
      if (part.type !== 'tool') return []
      if (part.state === 'failed') return `failed ${JSON.stringify(part.input)}`
      if (part.state !== 'succeeded') return part.state
      if (part.tool === 'find_shoes')
        return [part.input.size.trim(), part.output.since.slice(0, 10), part.output.color.trim()]
      if (part.tool === 'pick_color') return [part.input.shades ?? 'no shades', ...part.output.color]
      return `${part.tool}: ${JSON.stringify(part.output)}`
    })
  const calls = ['42', '1970-01-01', 'black', 'failed {"size":42}', 'no shades', 'color 3', 'extra: [1]']
  await waitFor(
    () => expect(shown(parts())).toEqual(['shop.opened 1970', ...calls, 'wait confirm']),
    PATIENCE,
  )
  const wait = parts().find((part) => part.type === 'wait')?.wait
  if (wait?.name === 'confirm') await result.current.respond(wait.name, true, wait)
  await run.result()
  expect(told).toEqual(['1970-01-01'])
  const failed = { error: expect.stringContaining('size') }
  expect(heard).toEqual(['no shades', '1970-01-01', failed, ['color 3']])

  const { messages } = await client.conversations.get({ conversationId: id, includeDebug: true })
  const stored = messages.flatMap((message) => partsOf<ShapesOf<typeof runtime>>(message, messages))
  expect(shown(stored)).toEqual(calls)
})

test('a tool must be declared by its own name', () => {
  expect(() => defineAgent({ key: 'a', tools: { shoes: findShoes }, run: async () => {} })).toThrow(
    'Agent "a": the tool "find_shoes" is declared as "shoes".',
  )
})
