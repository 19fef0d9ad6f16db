// Processes that die while runs are sent messages, read them, and end.
import { expect, vi } from 'vitest'
import { serverModule } from '../../../support/cli.ts'
import { startMortalWorkers } from '../../../support/mortal-workers.ts'
import { brokenWhenQuiet } from '../../../support/check-invariants.ts'
import { defineAgent } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'

vi.setConfig({ testTimeout: 300_000 })

const zodModule = import.meta.resolve('zod')

const CONVERSATIONS = 8
/** Messages of each conversation. */
const MESSAGES = 24

const ENTRY = `
import { createAgentRuntime, defineAgent, defineTool, textOf, toolLoop } from '${serverModule}'
import { z } from '${zodModule}'
const soon = () => new Promise((resolve) => setTimeout(resolve, 20))
const look = defineTool({
  name: 'look',
  description: 'Looks.',
  input: z.object({}),
  async execute() {
    await soon()
    return 'seen'
  },
})
const said = (messages) => messages.filter(({ role }) => role === 'user').map((message) => textOf(message))
// Looks three times for each run, and says what it was asked with.
const model = {
  name: 'echo',
  provider: 'test',
  async *stream({ messages }) {
    await soon()
    const since = messages.slice(messages.findLastIndex(({ role, toolCalls }) => role === 'assistant' && !toolCalls) + 1)
    const isDone = since.filter(({ role }) => role === 'tool').length >= 3
    if (isDone) yield { type: 'text', text: JSON.stringify(said(messages)) }
    else yield { type: 'tool-call', toolCall: { id: 'call', name: 'look', arguments: {} } }
    yield { type: 'finish', reason: isDone ? 'stop' : 'tool-calls', usage: { inputTokens: 1, outputTokens: 1 } }
  },
}
const chat = defineAgent({
  key: 'chat',
  maxAttempts: 100,
  async run(ctx) {
    const reply = await toolLoop(ctx, { model, tools: [look] })
    return { output: reply.text, messages: reply.messages }
  },
})
export default createAgentRuntime({ agents: [chat], config: { concurrency: 8 } })
`

test('workers that are killed in the middle lose nothing that runs were sent, and read nothing twice', async ({
  createServer,
  database,
}) => {
  await using workers = await startMortalWorkers(ENTRY, { databaseUrl: database.url })
  const agents = [defineAgent({ key: 'chat', maxAttempts: 100, async run() {} })]
  const servers = [
    await createServer({ agents, worker: false }),
    await createServer({ agents, worker: false }),
  ] as const
  let sent = 0

  /** Sends one message after another: to the run under way, or by a new run if that is over. */
  async function talk(n: number): Promise<{ conversation: string; said: string[] }> {
    const { rest } = servers[n % 2 === 0 ? 0 : 1]
    const { body } = await rest.post('runs', {
      agent_key: 'chat',
      conversation: 'new',
      messages: [{ role: 'user', content: `${n}: begin` }],
    })
    const conversation = String(body['conversation_id'])
    const said = [`${n}: begin`]
    let run = String(body['id'])
    for (let message = 0; message < MESSAGES; message += 1) {
      const content = `${n}: ${message}`
      const { status } = await rest.post(`runs/${run}/messages`, {
        message: content,
        idempotency_key: content,
      })
      if (status === 409) {
        run = await rest.create('chat', {
          conversation_id: conversation,
          messages: [{ role: 'user', content }],
        })
      } else expect(status).toBe(201)
      said.push(content)
      sent += 1
    }
    return { conversation, said }
  }

  const talks = Promise.all(Array.from({ length: CONVERSATIONS }, (_, n) => talk(n)))
  await workers.killAt(
    [0.1, 0.4, 0.7, 1].map((part) => part * CONVERSATIONS * MESSAGES),
    () => sent,
  )
  const open = `SELECT count(*)::int AS count FROM agent_runtime.run WHERE finished_at IS NULL`
  const left = `SELECT count(*)::int AS count FROM agent_runtime.sent_message WHERE left_at IS NOT NULL`
  for (const text of [left, open]) {
    await expect.poll(() => database.sql(text), { timeout: 120_000 }).toEqual([{ count: 0 }])
  }
  for (const { conversation, said } of await talks) {
    const { body } = await servers[0].rest.get(`conversations/${conversation}?limit=1000`)
    const messages = body['messages'] as { role: string; content: string }[]
    const heard = messages.filter(({ role }) => role === 'user').map(({ content }) => content)
    expect(heard.toSorted()).toEqual(said.toSorted())
    // The last model request had all messages, in the conversation's order.
    expect(JSON.parse(messages.at(-1)?.content ?? '')).toEqual(heard)
  }
  const told = await database.sql(
    `SELECT payload ->> 'messageId' FROM agent_runtime.event WHERE type = 'user.message' GROUP BY 1 HAVING count(*) > 1`,
  )
  expect(told).toEqual([])
  expect(await database.sql(`SELECT FROM agent_runtime.run WHERE status <> 'succeeded'`)).toEqual([])
  expect(await brokenWhenQuiet({ query: async (text) => ({ rows: await database.sql(text) }) })).toEqual({})
})
