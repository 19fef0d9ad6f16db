// A shop whose agent calls a tool that pages run.
import { z } from 'zod'
import { createAgentClient } from '../../../client/create-client.ts'
import { createScriptedModel } from '../../../server/models/scripted.ts'
import { defineAgent, defineTool, toolLoop } from '../../../server/index.ts'
import type { Json } from '../../../server/index.ts'
import type { CreateServer } from '../../support/runtime.ts'

const pay = defineTool({
  name: 'pay',
  description: 'Pays',
  input: z.object({}),
  needsApproval: true,
  execute: () => 'paid',
})

const shopOf = (timeoutMs?: number) =>
  defineAgent({
    key: 'shop',
    waits: {},
    tools: {
      pick_color: {
        description: 'Has the user pick a color',
        input: z.object({ shades: z.number().default(3) }),
        output: z.object({ color: z.enum(['red', 'blue']).transform((color) => color.toUpperCase()) }),
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
      },
    },
    async run(ctx) {
      const reply = await toolLoop(ctx, { tools: [pay, ...ctx.clientTools] })
      return { output: reply.text, messages: reply.messages }
    },
  })

export type Shop = { $agents: import('../../../server/index.ts').ShapeOfAgent<ReturnType<typeof shopOf>> }

export const pick = (args: Json = {}) => ({ name: 'pick_color', arguments: args })

export async function createShop(
  createServer: CreateServer,
  calls: { name: string; arguments: Json }[] = [pick()],
  { timeoutMs, later = [] }: { timeoutMs?: number; later?: { name: string; arguments: Json }[][] } = {},
) {
  const model = createScriptedModel([
    ...[calls, ...later].map((toolCalls) => ({ toolCalls })),
    { text: 'Done.' },
  ])
  const { runtime, rest } = await createServer({
    agents: [shopOf(timeoutMs)],
    model,
    config: { queuePollIntervalSeconds: 0.05 },
  })
  const clientOf = (
    fetch: typeof globalThis.fetch = (input, init) => runtime.handler(new Request(input, init)),
  ) => createAgentClient<Shop>({ url: 'http://runtime.test/trpc', fetch })
  /** The results of the calls that the model was told. */
  const told = () =>
    model.requests
      .at(-1)
      ?.messages.filter(({ role }) => role === 'tool')
      .map(({ content }) => (content === 'paid' ? content : (JSON.parse(content as string) as Json)))
  return { rest, clientOf, client: clientOf(), told, handler: runtime.handler }
}
