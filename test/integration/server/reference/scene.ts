// The requests of the Python system, from its README and a recording of its wire. `recorded` says what its
// clients read of an answer.
//
// Its defects are left out: it wrote its own fields into metadata, took runs of agents that do not exist,
// showed the text and stack of exceptions, counted events from 0, and told whether another owner's run
// exists.
import { expect } from 'vitest'
import { z } from 'zod'
import { AgentRuntimeError, defineAgent } from '../../../../server/index.ts'
import type { Authenticate } from '../../../../server/index.ts'
import type { TestServer } from '../../../support/runtime.ts'

export const UUID = expect.stringMatching(/^[\da-f]{8}-([\da-f]{4}-){3}[\da-f]{12}$/) as string
export const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d.\d{3}Z$/) as string
export const NO_SUCH = '00000000-0000-0000-0000-000000000000'
export const HELLO = [{ role: 'user', content: 'Hello! How are you?' }]

const chat = defineAgent({
  key: 'chat-agent',
  output: z.object({ response: z.string() }),
  async run(ctx) {
    const content = `echo: ${ctx.messages.at(-1)?.role === 'user' ? 'Hello! How are you?' : ''}`
    await ctx.emitMessage(content)
    return { output: { response: content }, messages: [{ role: 'assistant', content }] }
  },
})

const everything = defineAgent({
  key: 'everything',
  events: { custom: { schema: z.object({ type: z.string() }), visibility: 'user' } },
  async run(ctx) {
    await ctx.emit('assistant.delta', { messageId: 'm', content: 'Hel' })
    await ctx.emit('assistant.message', { messageId: 'm', content: 'Hello' })
    await ctx.emit('tool.call', { toolCallId: 'c1', tool: 't', arguments: { a: 1 } })
    await ctx.emit('tool.result', { toolCallId: 'c1', tool: 't', result: { b: 2 } })
    await ctx.emit('usage', { model: 'm', inputTokens: 2, outputTokens: 1 })
    await ctx.checkpoint({ seq: 4 })
    await ctx.emitError('err', { code: 'ERR_001' })
    await ctx.emit('custom', { type: 'x' })
    return { output: { ok: true }, messages: [{ role: 'assistant', content: 'Hello' }] }
  },
})

const slow = defineAgent({
  key: 'slow',
  async run(ctx) {
    await ctx.emitMessage('working')
    await new Promise((_, reject) =>
      ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason as Error)),
    )
  },
})

const failing = defineAgent({
  key: 'failing',
  async run() {
    throw new Error('secret boom')
  },
})

export const agents = [chat, everything, slow, failing] as const

/** `Authorization: Token ada` is from Ada. */
const authenticate: Authenticate = (request) => {
  const [, id] = /^Token (\w+)$/.exec(request.headers.get('authorization') ?? '') ?? []
  return id === undefined ? null : { id, tenantId: '', kind: 'user' }
}

/** The settings of the recorded system. */
export const RECORDED = { agents, authenticate, config: { maxAttempts: 3 } } as const
export const ADA = { authorization: 'Token ada' }
export const BOB = { authorization: 'Token bob' }

export interface Answer {
  status: number
  type: string | null
  body: Record<string, unknown>
}

export type Ask = (method: string, path: string, body?: unknown) => Promise<Answer>

/** Requests as a client of the Python system sends them. */
export function client({ rest }: Pick<TestServer, 'rest'>, headers: Record<string, string> = ADA): Ask {
  return async (method, path, body) => {
    const answer = await rest.send(path.slice(1), {
      method,
      headers: { ...headers, ...(body !== undefined && { 'content-type': 'application/json' }) },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    return {
      status: answer.status,
      type: answer.headers.get('content-type')?.split(';', 1)[0] ?? null,
      body: text === '' ? {} : (JSON.parse(text) as Answer['body']),
    }
  }
}

/** The frames of a stream to its end, parsed by hand: fields in their order, data as text. */
export async function framesOf(
  { rest }: Pick<TestServer, 'rest'>,
  path: string,
  headers: Record<string, string> = ADA,
): Promise<{ event: string; data: Record<string, unknown> }[]> {
  const answer = await rest.send(path.slice(1), { headers: { accept: 'text/event-stream', ...headers } })
  if (answer.status === 204) return []
  expect([answer.status, answer.headers.get('content-type')]).toEqual([
    200,
    'text/event-stream; charset=utf-8',
  ])
  return (await answer.text()).split('\n\n').flatMap((frame) => {
    const [, event] = /^event: (.*)$/m.exec(frame) ?? []
    const [, data] = /^data: (.*)$/m.exec(frame) ?? []
    if (event === undefined || data === undefined) return []
    return [{ event, data: JSON.parse(data) as Record<string, unknown> }]
  })
}

/** Creates a run and waits for its end. */
export async function ended(
  server: Pick<TestServer, 'rest'>,
  body: Record<string, unknown>,
): Promise<string> {
  const created = await client(server)('POST', '/runs/', body)
  if (created.status !== 201) throw new AgentRuntimeError('internal', JSON.stringify(created.body))
  const id = String(created.body['id'])
  await framesOf(server, `/runs/${id}/events/`)
  return id
}
