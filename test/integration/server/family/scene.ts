import { z } from 'zod'
import { defineAgent } from '../../../../server/index.ts'
import type { AgentContext, Json } from '../../../../server/index.ts'
import type { RestClient } from '../../../support/rest-client.ts'

/** Time for upkeep to do the work that nobody else did, on a slow machine. */
export const WITHIN = { timeout: 30_000 }

export const ALL = 'events?include_all=1'

export const parentOf = (run: (ctx: AgentContext) => Promise<{ output: Json }>) =>
  defineAgent({ key: 'parent', output: z.json(), run })

/** Asks for an address and returns it. */
export const asking = defineAgent({
  key: 'asking',
  description: 'Asks for an address.',
  output: z.object({ street: z.string() }),
  async run(ctx) {
    const { value } = await ctx.wait('address', z.object({ street: z.string() }), {
      details: { question: 'Where to?' },
    })
    return { output: value }
  },
})

/** The id of the run's child, once its stream tells of it. */
export async function childOf(rest: RestClient, runId: string): Promise<string> {
  const stream = await rest.stream(`runs/${runId}/events`)
  const told = await stream.until('child.started')
  await stream.close()
  return String(told.at(-1)?.['child_run_id'])
}
