import { expect } from 'vitest'
import { z } from 'zod'
import { defineAgent, textOf } from '../../../../server/index.ts'
import type { AgentContext, Json } from '../../../../server/index.ts'
import type { CreateServer } from '../../../support/runtime.ts'
import type { RestClient } from '../../../support/rest-client.ts'
import { begin, createGate } from '../steering/scene.ts'
import { ALL, WITHIN } from './scene.ts'

type Database = { sql(text: string): Promise<unknown[]> }

export const heard = (ctx: Pick<AgentContext, 'messages'>) => ctx.messages.map((message) => textOf(message))

/** What a run was told about the ends of others. */
export const endsIn = (said: readonly string[]): unknown[] =>
  said.filter((text) => text.startsWith('A run ')).map((text) => JSON.parse(text.split('\n')[1] ?? ''))

/** A chat whose first run starts another in the background. That one ends when the gate is opened. */
export function createScene({ output = 'ready', fails = false }: { output?: Json; fails?: boolean } = {}) {
  const gate = createGate()
  const job = defineAgent({
    key: 'job',
    maxAttempts: fails ? 1 : 10,
    output: z.json(),
    async run() {
      await gate.pass()
      if (fails) throw new Error('The disk is full.')
      return { output }
    },
  })
  const chat = defineAgent({
    key: 'chat',
    async run(ctx) {
      if (heard(ctx).length === 1) await ctx.startAgent(job, { onEnd: 'continue' })
      return { output: heard(ctx), messages: [{ role: 'assistant', content: 'It goes on.' }] }
    },
  })
  return { gate, job, agents: [chat, job] }
}

export async function jobOf(rest: RestClient, parentId: string): Promise<string> {
  const { body } = await rest.get(`runs?parent_run_id=${parentId}&agent_key=job`)
  return String((body['results'] as { id: string }[])[0]?.id)
}

export const nextOf = (database: Database, parentId: string) =>
  database.sql(
    `SELECT id, agent_key, status, output, parent_run_id, root_run_id, depth FROM agent_runtime.run
     WHERE conversation_id IS NOT NULL AND parent_run_id = '${parentId}' ORDER BY ordinal`,
  ) as Promise<{ id: string; status: string; output: string[] }[]>

export async function settledNext(database: Database, parentId: string) {
  await expect.poll(() => nextOf(database, parentId), WITHIN).toMatchObject([{ status: 'succeeded' }])
  return (await nextOf(database, parentId))[0] as { id: string; output: string[] }
}

/** Waits until no family has untold news, and no run is under way. */
export async function quiet(database: Database): Promise<void> {
  const open = `
    SELECT id FROM agent_runtime.run WHERE finished_at IS NULL
    UNION ALL SELECT id FROM agent_runtime.family_news
    UNION ALL SELECT run_id FROM agent_runtime.sent_message WHERE left_at IS NOT NULL`
  await expect.poll(() => database.sql(open), WITHIN).toEqual([])
}

export async function endedChat(
  createServer: CreateServer,
  scene: ReturnType<typeof createScene>,
  options = {},
) {
  const { rest, log } = await createServer({ agents: scene.agents, ...options })
  const id = await rest.create('chat', begin('Index it.'))
  expect((await rest.events(`runs/${id}/${ALL}`)).at(-1)?.type).toBe('run.succeeded')
  const { body } = await rest.get(`runs/${id}`)
  return { rest, log, id, job: await jobOf(rest, id), conversation: String(body['conversation_id']) }
}
