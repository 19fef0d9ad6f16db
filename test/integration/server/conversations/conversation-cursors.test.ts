import { describe, expect } from 'vitest'
import { createHeldAgent } from '../../../support/held-agent.ts'
import type { RestEvent } from '../../../support/rest-client.ts'
import { test } from '../../../support/runtime.ts'
import { echo, createConversation, told, whole } from './conversation-stream-scene.ts'

describe('where a reader begins', () => {
  test('`cursor` of a conversation goes on from its history, with runs under way from their first event', async ({
    createServer,
  }) => {
    const held = createHeldAgent()
    const server = await createServer({ agents: [echo, held.agent] })
    const { id, path, ask } = await createConversation(server)
    const over = await ask('one')
    await server.rest.events(`runs/${over}/events`)
    const running = await ask('two', 'held')
    const ctx = await held.attempt(0)
    await ctx.emitMessage('Before.')
    await server.rest.stream(`runs/${running}/events`).then(async (stream) => {
      await stream.until('assistant.message')
      await stream.close()
    })
    const { body } = await server.rest.get(`conversations/${id}`)
    const { body: bare } = await server.rest.get(`conversations/${id}?limit=1&offset=100`)
    expect(bare['cursor']).toBe(body['cursor'])
    expect((body['messages'] as { content: string }[]).map(({ content }) => content)).toEqual([
      'one',
      'You said one.',
      'two',
    ])
    const stream = await server.rest.stream(`${path}?after=${String(body['cursor'])}`)
    expect(told(await stream.until('assistant.message'))).toEqual([
      [running, 'run.started'],
      [running, 'assistant.message'],
    ])
    held.release()
    expect(told(await stream.until('run.succeeded'))).toEqual([[running, 'run.succeeded']])
    const next = await ask('three')
    expect(told(await stream.until('run.succeeded'))).toEqual(whole(next))
    await stream.close()
  })

  test('`now` begins with the runs under way, and later ones follow', async ({ createServer }) => {
    const held = createHeldAgent()
    const server = await createServer({ agents: [echo, held.agent] })
    const { path, ask } = await createConversation(server)
    const running = await ask('one', 'held')
    const ctx = await held.attempt(0)
    const run = await server.rest.stream(`runs/${running}/events`)
    await run.until('run.started')
    const stream = await server.rest.stream(`${path}?after=now`)
    await ctx.emitMessage('After.')
    expect(told(await stream.until('assistant.message'))).toEqual([
      [running, 'run.started'],
      [running, 'assistant.message'],
    ])
    held.release()
    await stream.until('run.succeeded')
    const { body } = await server.rest.get(`${path}?after=now`)
    expect(body).toMatchObject({ results: [], next: null })
    const next = await ask('two')
    expect(told(await stream.until('run.succeeded'))).toEqual(whole(next))
    const after = await server.rest.get(`${path}?after=${String(body['cursor'])}`)
    expect(told(after.body['results'] as RestEvent[])).toEqual(whole(next))
    await Promise.all([run.close(), stream.close()])
  })

  test('who is cut off before the first event has a cursor all the same', async ({ createServer }) => {
    const server = await createServer({ agents: [echo] })
    const { path, ask } = await createConversation(server)
    const before = await ask('one')
    await server.rest.events(`runs/${before}/events`)
    const headers = { accept: 'text/event-stream' }
    const answer = await server.rest.send(`${path}?after=now`, { headers })
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader()
    const { value = '' } = ((await reader?.read()) ?? {}) as { value?: string }
    const [, cursor = ''] = /^id: (.+)\n\n$/.exec(value) ?? []
    await reader?.cancel()
    const missed = await ask('two')
    const stream = await server.rest.stream(path, { headers: { 'last-event-id': cursor } })
    expect(told(await stream.until('run.succeeded'))).toEqual(whole(missed))
    await stream.close()
  })

  test('an invalid cursor, or one of another conversation or from the future, is refused', async ({
    createServer,
  }) => {
    const server = await createServer({ agents: [echo] })
    const [one, other] = [await createConversation(server), await createConversation(server)]
    const runId = await one.ask('one')
    await server.rest.events(`runs/${runId}/events`)
    const { body } = await server.rest.get(one.path)
    const [created, ...events] = body['results'] as RestEvent[]
    const [begun, end] = [created?.cursor ?? '', events.at(-1)?.cursor ?? '']
    const wrong = [
      '',
      '0',
      'now ',
      '1.2.3',
      `${begun}.`,
      `${begun}${begun.slice(begun.lastIndexOf('.'))}`,
      begun.replace('.0~', '.00~'),
      begun.replace('.0~', '.999~'),
      end.replace(/\d+$/, '9007199254740991'),
      end.replace(/\d+$/, '90071992547409910'),
      `2${end.slice(1)}`,
      'x'.repeat(10_000),
    ]
    for (const after of wrong.slice(1)) {
      const answer = await server.rest.get(`${one.path}?after=${encodeURIComponent(after)}`)
      expect([after, answer.status, answer.body]).toMatchObject([after, 400, { code: 'bad_request' }])
    }
    expect((await server.rest.get(`${other.path}?after=${end}`)).body).toMatchObject({
      error: 'The cursor belongs to another conversation.',
    })
    const input = { conversationId: one.id, lastEventId: 'nonsense' }
    await expect(
      new Promise((resolve, reject) => {
        server.trpc.client.conversations.events.subscribe(input, { onData: resolve, onError: reject })
      }),
    ).rejects.toThrow('The cursor is not one')
  })

  test('a run that was deleted before the reader had all of it is said to be gone', async ({
    createServer,
  }) => {
    const server = await createServer({ agents: [echo] })
    const { path, ask } = await createConversation(server)
    const [first, second] = [await ask('one'), await ask('two')]
    await server.rest.events(`runs/${second}/events`)
    const { body } = await server.rest.get(`${path}?limit=2`)
    expect((await server.rest.request('DELETE', `runs/${first}`)).status).toBe(204)
    const { body: rest } = await server.rest.get(`${path}?after=${String(body['cursor'])}`)
    expect(told(rest['results'] as RestEvent[])).toEqual([[first, 'run.deleted'], ...whole(second)])
    // From a cursor before its beginning or after its end, there is nothing to tell of it.
    expect(told((await server.rest.get(path)).body['results'] as RestEvent[])).toEqual(whole(second))
    const stream = await server.rest.stream(path, { headers: { 'last-event-id': String(body['cursor']) } })
    expect(told(await stream.until('run.succeeded'))).toEqual([[first, 'run.deleted'], ...whole(second)])
    await stream.close()
  })
})
