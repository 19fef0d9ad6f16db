import { createTRPCClient } from '@trpc/client'
import { describe, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { createAgentClient } from '../../client/index.ts'
import type { ApprovalAnswer, Json } from '../../client/index.ts'
import { createAgentHooks } from '../../react/index.ts'
import { createAgentRuntime, defineAgent, toolLoop } from '../../server/index.ts'
import type { AgentRouter } from '../../server/index.ts'
import type { runtime as openRuntime } from './typed-runtime.ts'

const shop = defineAgent({
  key: 'shop',
  waits: { address: z.object({ street: z.string(), days: z.coerce.number() }), confirm: z.boolean() },
  tools: {
    pick_color: {
      description: '',
      input: z.object({ shades: z.number().default(3) }),
      output: z.object({ color: z.string() }),
    },
    locate: { description: '', input: z.object({}) },
  },
  async run(ctx) {
    const { value } = await ctx.wait('address', { details: 'Where to?' })
    expectTypeOf(value).toEqualTypeOf<{ street: string; days: number }>()
    const outcome = await ctx.wait('confirm', { timeoutMs: 1_000 })
    expectTypeOf(outcome.status).toEqualTypeOf<'answered' | 'timed_out'>()
    // @ts-expect-error it declares no such wait
    await ctx.wait('adress')
    // @ts-expect-error the schema is declared
    await ctx.wait('address', z.string())
    await toolLoop(ctx, { tools: ctx.clientTools })
  },
})
const runtime = createAgentRuntime({ agents: [shop] })
type Shop = typeof runtime

const client = createAgentClient<Shop>({ url: '/trpc' })
const open = createAgentClient<typeof openRuntime>({ url: '/trpc' })
const { useAgentRun, useConversation } = createAgentHooks<Shop>()
const runId = 'a run'

describe('an agent that declares its waits', () => {
  it('is answered by these names, each with its answer', () => {
    const answer = { street: 'Hollow Way', days: 2 }
    expectTypeOf(client.runs.respond({ runId, wait: 'address', value: answer })).resolves.toHaveProperty('id')
    void client.runs.respond({ runId, wait: 'confirm', value: true })
    // @ts-expect-error there is no such wait
    void client.runs.respond({ runId, wait: 'adress', value: answer })
    // @ts-expect-error no boolean
    void client.runs.respond({ runId, wait: 'confirm', value: 'yes' })
    // @ts-expect-error the answer of another wait
    void client.runs.respond({ runId, wait: 'confirm', value: answer })
  })

  it('is answered by its handles and hooks alike', async () => {
    const run = await client.runs.create({ agentKey: 'shop' })
    const view = useAgentRun({ agentKey: 'shop' })
    for (const respond of [run.respond, view.respond]) expectTypeOf(respond).toBeFunction()
    void run.respond('confirm', true)
    // @ts-expect-error no boolean
    void run.respond('confirm', 1)
    // @ts-expect-error there is no such wait
    void run.respond('other', true)
    void view.respond('confirm', true)
    // @ts-expect-error no boolean
    void view.respond('confirm', 1)
    // @ts-expect-error there is no such wait
    void view.respond('other', true)
  })

  it('is answered by tRPC alike', () => {
    const trpc = createTRPCClient<AgentRouter<Shop['$agents']>>({ links: [] })
    expectTypeOf(trpc.runs.respond.mutate({ runId, wait: 'confirm', value: true })).resolves.toHaveProperty(
      'id',
    )
    // @ts-expect-error there is no such wait
    void trpc.runs.respond.mutate({ runId, wait: 'other', value: true })
  })

  it('tells what it waits for, by kind and name', () => {
    const { waits, respond } = useAgentRun({ agentKey: 'shop' })
    for (const wait of waits) {
      if (wait.kind === 'approval') {
        expectTypeOf(wait.name).toEqualTypeOf<`approve:${string}`>()
        void respond(wait.name, { approved: true, hash: 'of the call' })
        // @ts-expect-error an approval names the hash
        void respond(wait.name, { approved: true })
      }
      if (wait.name === 'confirm') void respond(wait.name, false)
      // @ts-expect-error nobody waits for that
      void (wait.name === 'other')
    }
    expectTypeOf<ApprovalAnswer>().toHaveProperty('hash')
  })

  it('is answered by its conversation too', () => {
    const { waits, respond } = useConversation('id')
    expectTypeOf(respond).returns.resolves.not.toBeAny()
    for (const wait of waits) {
      if (wait.name === 'confirm') void respond(wait.name, false, wait)
      // @ts-expect-error nobody waits for that
      void (wait.name === 'other')
    }
    // @ts-expect-error it is true or false
    void respond('confirm', 'yes')
    // @ts-expect-error nobody waits for that
    void respond('other', true)
  })

  it('may have pages run tools, whose answers have their form', () => {
    const { respond } = useAgentRun({
      agentKey: 'shop',
      tools: {
        async pick_color({ shades }, { toolCallId }) {
          expectTypeOf(shades).toEqualTypeOf<number>()
          expectTypeOf(toolCallId).toEqualTypeOf<string>()
          return { color: 'blue' }
        },
      },
    })
    // @ts-expect-error no color
    useAgentRun({ agentKey: 'shop', tools: { pick_color: () => ({ colour: 'blue' }) } })
    // @ts-expect-error there is no such tool
    useAgentRun({ agentKey: 'shop', tools: { pick_colour: () => ({ color: 'blue' }) } })
    expectTypeOf(respond('tool:pick_color:call_1', { result: { color: 'blue' } })).resolves.toBeBoolean()
    void respond('tool:pick_color:call_1', { error: 'no color' })
    void respond('tool:locate:call_1', { result: [1, 2] })
    // @ts-expect-error no color
    void respond('tool:pick_color:call_1', { result: 'blue' })
  })
})

describe('an agent that declares none', () => {
  it('is answered with any JSON by any name', () => {
    expectTypeOf(open.runs.respond({ runId, wait: 'any', value: [1] as Json })).resolves.toHaveProperty('id')
    // @ts-expect-error no JSON
    void open.runs.respond({ runId, wait: 'any', value: 1n })
    // @ts-expect-error it needs a name
    void open.runs.respond({ runId, value: 1 })
  })
})
