// docs/server-api.md: its examples run unchanged, and code on the server is refused what HTTP is refused.
import { readFile } from 'node:fs/promises'
import { expect, vi } from 'vitest'
import { AgentRuntimeError, defineAgent, lastAssistantMessage } from '../../../../server/index.ts'
import type { CreateRunRequest, Principal } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'
import { said } from '../../../support/said.ts'

const ADA: Principal = { id: 'ada', tenantId: 'acme', kind: 'user' }
const chat = defineAgent({
  key: 'chat-agent',
  maxAttempts: 4,
  async run(ctx) {
    await ctx.emit('assistant.message', { messageId: 'm', content: 'Sunny.' })
    return { output: { ok: true }, messages: [{ role: 'assistant', content: 'Sunny.' }] }
  },
})

test('the examples of the page run', async ({ createServer }) => {
  const { runtime } = await createServer({ agents: [chat] })
  using log = vi.spyOn(console, 'log').mockReturnValue()

  const principal: Principal = { id: 'ada', tenantId: 'acme', kind: 'user' }
  const { run } = await runtime.runs.create(principal, {
    agentKey: 'chat-agent',
    messages: [{ role: 'user', content: 'What is the weather?' }],
  })
  expect(run).toMatchObject({ status: 'queued', maxAttempts: 4, priority: 0, metadata: {}, runAt: null })

  const conversation = await runtime.conversations.create(principal, {
    agentKey: 'chat-agent',
    title: 'My chat',
    metadata: { source: 'web' },
  })
  const { messages, totalMessages, hasMore } = await runtime.conversations.get(principal, {
    conversationId: conversation.id,
  })
  const lastMessage = lastAssistantMessage(messages)
  const { items: conversations } = await runtime.conversations.list(principal, { limit: 20 })
  expect({ totalMessages, hasMore, lastMessage }).toEqual({
    totalMessages: 0,
    hasMore: false,
    lastMessage: undefined,
  })
  expect(conversations).toEqual([conversation])

  const { run: reply, created } = await runtime.runs.create(principal, {
    agentKey: 'chat-agent',
    conversationId: conversation.id,
    messages: [{ role: 'user', content: 'And tomorrow?' }],
    idempotencyKey: 'message-17',
  })
  const detail = await runtime.runs.get(principal, reply.id)
  const { items: runs, nextCursor } = await runtime.runs.list(principal, { conversationId: conversation.id })
  expect({ created, nextCursor }).toEqual({ created: true, nextCursor: null })
  expect(said(detail.messages)[0]).toEqual({ role: 'user', content: 'And tomorrow?' })
  expect(runs.map(({ id }) => id)).toEqual([reply.id])

  const page = await runtime.runs.listEvents(principal, { runId: reply.id })
  for (const event of page.events) console.log(event.type, event.payload)

  const { batches } = await runtime.runs.follow(principal, { runId: reply.id, afterSeq: 0 })
  for await (const batch of batches) {
    for (const event of batch) console.log(event.seq, event.type)
  }
  expect(log.mock.calls.map(([, type]) => type)).toEqual(
    expect.arrayContaining(['run.started', 'assistant.message', 'run.succeeded']),
  )

  try {
    await runtime.runs.create(principal, { agentKey: 'chat-agent', maxAttempts: -5 })
  } catch (error) {
    if (!(error instanceof AgentRuntimeError)) throw error
    console.log(error.code, error.message)
  }
  expect(log.mock.lastCall).toEqual(['validation_failed', expect.stringContaining('maxAttempts')])

  const history = await runtime.conversations.get(principal, { conversationId: conversation.id })
  expect(history.messages.map(({ role }) => role)).toEqual(['user', 'assistant'])
})

const lines = (text: string) =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('import '))
    .join('\n')

test('the page has these very examples', async () => {
  const doc = await readFile(new URL('../../../../docs/server-api.md', import.meta.url), 'utf8')
  const source = lines(await readFile(new URL(import.meta.url), 'utf8'))
  const blocks = [...doc.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code = '']) => lines(code))
  expect(blocks).toHaveLength(5)
  for (const block of blocks) expect(source).toContain(block)
})

test.for([
  { what: 'attempts below one', request: { maxAttempts: -5 }, rest: { max_attempts: -5 } },
  { what: 'half an attempt', request: { maxAttempts: 1.5 }, rest: { max_attempts: 1.5 } },
  { what: 'attempts above the limit', request: { maxAttempts: 11 }, rest: { max_attempts: 11 } },
  { what: 'a timeout of nothing', request: { timeoutMs: 0 }, rest: { timeout_ms: 0 } },
  { what: 'a priority beyond the highest', request: { priority: 101 }, rest: { priority: 101 } },
  { what: 'a null as message', request: { messages: [null] }, rest: { messages: [null] } },
  { what: 'an unknown role', request: { messages: [{ role: 'robot', content: '' }] } },
  { what: 'a message without content', request: { messages: [{ role: 'user' }] } },
  { what: 'messages that are no list', request: { messages: 'Hi' } },
  { what: 'metadata that is no object', request: { metadata: 'x' } },
  {
    what: 'a time without a zone',
    request: { runAt: '2030-01-01T00:00:00' },
    rest: { run_at: '2030-01-01T00:00:00' },
  },
  { what: 'an unknown policy', request: { conversationPolicy: 'x' }, rest: { conversation_policy: 'x' } },
  {
    what: 'a key of schedules',
    request: { idempotencyKey: 'schedule/x' },
    rest: { idempotency_key: 'schedule/x' },
  },
])(
  'code on the server is refused $what, as HTTP is',
  async ({ request, rest: body }, { createServer, database }) => {
    const { runtime, rest } = await createServer({ agents: [chat], worker: false, authenticate: () => ADA })
    await runtime.start()
    const answer = await rest.post('runs', { agent_key: 'chat-agent', ...(body ?? request) })
    expect(answer.status).toBe(400)

    // A call as code without types, or with a cast, makes it.
    const malformed = { agentKey: 'chat-agent', ...request } as CreateRunRequest
    await expect(runtime.runs.create(ADA, malformed)).rejects.toMatchObject({
      name: 'AgentRuntimeError',
      code: 'validation_failed',
      status: answer.status,
    })
    expect(await database.sql('SELECT id FROM agent_runtime.run')).toEqual([])
  },
)
