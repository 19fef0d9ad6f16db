import { describe, expect, it, vi } from 'vitest'
import type { AgentClientOptions } from '../../../client/create-client.ts'
import { createAgentClient } from '../../../client/create-client.ts'
import { AgentRuntimeError } from '../../../server/contract/agent-runtime-error.ts'
import type { HasAgents } from '../../../server/contract/agent-shape.ts'
import type { FakeServer } from './fake-server.ts'
import { fakeServer } from './fake-server.ts'

type Runtime = HasAgents<{
  key: 'chat'
  params: undefined
  output: { response: string }
  events: { progress: { percent: number } }
}>

function clientOf(server: FakeServer, options: Partial<AgentClientOptions> = {}) {
  return createAgentClient<Runtime>({
    url: 'http://server.test/trpc',
    fetch: server.fetch,
    reconnect: { initialDelayMs: 1, maxDelayMs: 1 },
    ...options,
  })
}

const MISSING = '019aa000-0000-7000-8000-00000000dead'

describe('a client', () => {
  it('creates a run, follows it to its end and returns its output', async () => {
    const server = fakeServer()
    const run = await clientOf(server).runs.create({
      agentKey: 'chat',
      messages: [{ role: 'user', content: 'Hi' }],
    })
    expect(run).toMatchObject({ agentKey: 'chat', run: { status: 'queued' } })
    server.emit(run.id, { type: 'assistant.delta', payload: { messageId: 'm', content: 'Hel' } })
    server.emit(run.id, { type: 'assistant.delta', payload: { messageId: 'm', content: 'lo' } })
    server.succeed(run.id, { response: 'Hello' }, 'Hello')
    const text: string[] = []
    for await (const event of run.events())
      if (event.type === 'assistant.delta') text.push(event.payload.content)
    expect(text).toEqual(['Hel', 'lo'])
    expect((await run.result()).response).toBe('Hello')
  })

  it('resumes a stream that was cut, from the last event seen', async () => {
    const server = fakeServer()
    const run = await clientOf(server).runs.create({ agentKey: 'chat' })
    server.emit(run.id, {})
    const seqs: number[] = []
    for await (const event of run.events()) {
      seqs.push(event.seq)
      if (event.seq < 5) {
        server.cut()
        server.emit(run.id, {})
      } else if (event.seq === 5) {
        server.emit(run.id, { type: 'run.failed', payload: { error: 'No', code: 'agent_error' } })
      }
    }
    expect(seqs).toEqual([1, 2, 3, 4, 5, 6])
    const cursors = server.requests
      .filter(({ url }) => url.includes('runs.events'))
      .map(({ url }) => JSON.parse(new URL(url).searchParams.get('input')!).lastEventId)
    expect(cursors).toEqual([undefined, '1', '2', '3', '4'])
    expect(server.readers).toBe(0)
  })

  it('calls the function for headers before every request, streams included', async () => {
    const server = fakeServer()
    let issued = 0
    const headers = async () => ({ authorization: `Bearer ${(issued += 1)}` })
    const run = await clientOf(server, { headers }).runs.create({ agentKey: 'chat' })
    server.succeed(run.id, { response: '' }, '')
    await run.result()
    const sent = server.requests.map((request) => request.headers.get('authorization'))
    expect(sent).toEqual(sent.map((_, index) => `Bearer ${index + 1}`))
    expect(sent.length).toBeGreaterThanOrEqual(3)
  })

  it('throws the error that the server answers', async () => {
    const client = clientOf(fakeServer())
    const error = await client.runs.get(MISSING).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(AgentRuntimeError)
    expect(error).toMatchObject({ code: 'not_found', message: `There is no run ${MISSING}.` })
    await expect(client.runs.follow(MISSING)).rejects.toMatchObject({ code: 'not_found' })
    await expect(client.runs.get('no uuid')).rejects.toMatchObject({ code: 'validation_failed' })
  })

  it('throws the reason why a stream was refused', async () => {
    const server = fakeServer()
    const run = await clientOf(server).runs.create({ agentKey: 'chat' })
    server.refusal = new AgentRuntimeError('unauthorized', 'Sign in first.')
    const reading = (async () => {
      for await (const _ of run.events());
    })()
    await expect(reading).rejects.toMatchObject({ code: 'unauthorized', message: 'Sign in first.' })
  })

  it('tries again after a stream was refused for a moment', async () => {
    const server = fakeServer()
    const run = await clientOf(server).runs.create({ agentKey: 'chat' })
    server.refusal = new AgentRuntimeError('unavailable', 'Restarting.')
    const result = run.result()
    await vi.waitFor(() => expect(server.requests.length).toBeGreaterThan(6))
    server.refusal = null
    server.succeed(run.id, { response: 'Back' }, '')
    expect(await result).toEqual({ response: 'Back' })
  })

  it('throws `unavailable` if the server does not answer', async () => {
    const client = createAgentClient<Runtime>({
      url: 'http://server.test/trpc',
      fetch: async () => {
        throw new TypeError('fetch failed')
      },
    })
    await expect(client.runs.list()).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('throws the reason of the signal that aborted a call', async () => {
    const controller = new AbortController()
    const never = createAgentClient<Runtime>({
      url: 'http://server.test/trpc',
      fetch: (_, init) =>
        new Promise((_, reject) => {
          init?.signal?.addEventListener('abort', () => reject(init.signal?.reason))
          controller.abort(new Error('enough'))
        }),
    })
    const listing = never.runs.list({}, { signal: controller.signal })
    await expect(listing).rejects.toThrow('enough')
  })

  it('cancels a run, and throws if the run is over', async () => {
    const server = fakeServer()
    const run = await clientOf(server).runs.create({ agentKey: 'chat' })
    await run.cancel()
    await expect(run.result()).rejects.toMatchObject({ code: 'cancelled' })
    await expect(run.cancel()).rejects.toMatchObject({ code: 'conflict' })
  })

  it('closes the connection when the loop is left, and the run goes on', async () => {
    const server = fakeServer()
    const run = await clientOf(server).runs.create({ agentKey: 'chat' })
    server.emit(run.id, {})
    for await (const _ of run.events()) break
    await vi.waitFor(() => expect(server.readers).toBe(0))
    expect((await run.get()).status).toBe('running')
  })

  it('reads conversations', async () => {
    const { conversations } = clientOf(fakeServer())
    const { id } = await conversations.create({ title: 'First' })
    expect(await conversations.list()).toMatchObject({ count: 1, items: [{ id, title: 'First' }] })
    expect(await conversations.get({ conversationId: id })).toMatchObject({ id, messages: [] })
  })
})
