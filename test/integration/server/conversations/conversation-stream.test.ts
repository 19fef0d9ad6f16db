// The stream of a conversation: all its runs under one cursor, over each transport.
import { describe, expect } from 'vitest'
import { defineAgent, textOf } from '../../../../server/index.ts'
import { isTerminalEvent } from '../../../../server/contract/terminal.ts'
import { createHeldAgent } from '../../../support/held-agent.ts'
import type { RestEvent } from '../../../support/rest-client.ts'
import { test } from '../../../support/runtime.ts'
import type { TestServer } from '../../../support/runtime.ts'

const echo = defineAgent({
  key: 'echo',
  async run(ctx) {
    const last = ctx.messages.findLast(({ role }) => role === 'user')
    const content = `You said ${last === undefined ? 'nothing' : textOf(last)}.`
    await ctx.emitMessage(content)
    return { messages: [{ role: 'assistant', content }] }
  },
})

const say = (content: string) => ({ messages: [{ role: 'user', content }] })

async function createConversation({ rest }: Pick<TestServer, 'rest'>) {
  const { body } = await rest.post('conversations', {})
  const id = String(body['id'])
  return {
    id,
    path: `conversations/${id}/events`,
    /** Creates a run of `echo`, or of another agent. */
    ask: (content: string, agentKey = 'echo', more = {}) =>
      rest.create(agentKey, { conversation_id: id, ...say(content), ...more }),
  }
}

const told = (events: readonly RestEvent[]) => events.map(({ run_id: runId, type }) => [runId, type])

const whole = (runId: string) => [
  [runId, 'run.created'],
  [runId, 'run.started'],
  [runId, 'assistant.message'],
  [runId, 'run.succeeded'],
]

describe('the stream of a conversation', () => {
  test('tells of each run, those that are there and those to come, whoever asked and wherever', async ({
    createServer,
  }) => {
    const server = await createServer({ agents: [echo] })
    const other = await createServer({ agents: [echo], worker: false })
    const { id, path, ask } = await createConversation(server)
    const first = await ask('one')
    await server.rest.events(`runs/${first}/events`)
    const streams = await Promise.all([server.rest.stream(path), other.rest.stream(path)])
    for (const stream of streams) expect(told(await stream.until('run.succeeded'))).toEqual(whole(first))

    const second = await other.rest.create('echo', { conversation_id: id, ...say('two') })
    for (const stream of streams) {
      const events = await stream.until('run.succeeded')
      expect(told(events)).toEqual(whole(second))
      expect(events[0]).toMatchObject({
        seq: 0,
        agent_key: 'echo',
        messages: [expect.objectContaining({ role: 'user', content: 'two', run_id: second })],
        payload: { agent_key: 'echo', status: expect.any(String), ordinal: expect.any(Number) },
      })
      await stream.close()
    }
  })

  test('goes on after any of its events', async ({ createServer }) => {
    const server = await createServer({ agents: [echo] })
    const { path, ask } = await createConversation(server)
    const runIds = [await ask('one'), await ask('two')]
    await server.rest.events(`runs/${runIds[1]}/events`)
    const { body } = await server.rest.get(path)
    const all = body['results'] as RestEvent[]
    expect(told(all)).toEqual(runIds.flatMap(whole))
    expect(body).toMatchObject({ next: null, previous: null, cursor: all.at(-1)?.cursor })
    for (const [index, { cursor = '' }] of all.entries()) {
      const rest = all.slice(index + 1)
      expect((await server.rest.get(`${path}?after=${cursor}`)).body['results']).toEqual(rest)
      const stream = await server.rest.stream(path, { headers: { 'last-event-id': cursor } })
      for (const event of rest) expect(await stream.next()).toEqual(event)
      await stream.close()
    }
    // Page by page it is the same.
    const paged: RestEvent[] = []
    for (let next: string | null = `${path}?limit=3`; next !== null;) {
      const page = await server.rest.get(next)
      paged.push(...(page.body['results'] as RestEvent[]))
      const url = page.body['next'] as string | null
      next = url && new URL(url).pathname + new URL(url).search
    }
    expect(paged).toEqual(all)
  })
})

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

  test('`now` tells of what is under way and of what is still to come', async ({ createServer }) => {
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

  test('a cursor that is none, of another conversation or from the future is refused', async ({
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
    // From before it began, or after it was over, there is nothing to tell of it.
    expect(told((await server.rest.get(path)).body['results'] as RestEvent[])).toEqual(whole(second))
    const stream = await server.rest.stream(path, { headers: { 'last-event-id': String(body['cursor']) } })
    expect(told(await stream.until('run.succeeded'))).toEqual([[first, 'run.deleted'], ...whole(second)])
    await stream.close()
  })
})

describe('runs that meet in a conversation', () => {
  test('each begins when it is created, those that wait for their turn too', async ({ createServer }) => {
    const held = createHeldAgent()
    const server = await createServer({ agents: [echo, held.agent] })
    const other = await createServer({ agents: [echo, held.agent], worker: false })
    const { path, ask } = await createConversation(server)
    const stream = await other.rest.stream(path)
    const running = await ask('one', 'held')
    await held.attempt(0)
    await stream.until('run.started')
    const waiting = await ask('two')
    const later = await ask('three', 'echo', { run_at: '2999-01-01T00:00:00Z' })
    expect(told([...(await stream.until('run.created')), ...(await stream.until('run.created'))])).toEqual([
      [waiting, 'run.created'],
      [later, 'run.created'],
    ])
    held.release()
    expect(told(await stream.until('run.succeeded'))).toEqual([[running, 'run.succeeded']])
    expect(told(await stream.until('run.succeeded'))).toEqual(whole(waiting).slice(1))
    expect((await server.rest.post(`runs/${later}/cancel`)).status).toBe(200)
    const ended = await stream.until('run.cancelled')
    expect(told(ended)).toEqual([[later, 'run.cancelled']])
    const { body } = await server.rest.get(`${path}?after=${ended[0]?.cursor}`)
    expect(body['results']).toEqual([])
    await stream.close()
  })

  test('one that takes the place of another goes on beside it, each in its own order', async ({
    createServer,
  }) => {
    const held = createHeldAgent({ deaf: true })
    const server = await createServer({ agents: [echo, held.agent], config: { cancelGraceSeconds: 20 } })
    const { path, ask } = await createConversation(server)
    const stream = await server.rest.stream(path)
    const first = await ask('one', 'held')
    await held.attempt(0)
    await stream.until('run.started')
    // The first one goes on until it lets go.
    const second = await ask('two', 'echo', { conversation_policy: 'interrupt' })
    const [begun] = await stream.until('run.created')
    expect(begun).toMatchObject({ run_id: second })
    held.release()
    const rest = await untilEnded(stream, 2)
    const ofRun = (events: RestEvent[], runId: string) => events.filter(({ run_id: id }) => id === runId)
    expect(told(ofRun(rest, first))).toEqual([[first, 'run.cancelled']])
    expect(told(ofRun(rest, second))).toEqual(whole(second).slice(1))
    const again = await server.rest.stream(path, { headers: { 'last-event-id': begun?.cursor ?? '' } })
    const both = await untilEnded(again, 2)
    for (const runId of [first, second]) {
      expect(ofRun(both, runId).map(({ seq }) => seq)).toEqual(ofRun(rest, runId).map(({ seq }) => seq))
    }
    await Promise.all([stream.close(), again.close()])
  })

  test('attempts that follow one another are told as they are', async ({ createServer }) => {
    const flaky = defineAgent({
      key: 'flaky',
      async run(ctx) {
        await ctx.emitMessage(`Attempt ${ctx.attempt}.`)
        if (ctx.attempt === 1) throw new Error('Not yet.')
        return {}
      },
    })
    const server = await createServer({ agents: [flaky, echo] })
    const { path, ask } = await createConversation(server)
    const stream = await server.rest.stream(path)
    const first = await ask('one', 'flaky', { max_attempts: 2 })
    // Another agent goes on in the same conversation.
    const second = await ask('two')
    const events = await untilEnded(stream, 2)
    const of = (runId: string) => events.filter(({ run_id: id }) => id === runId)
    expect(of(first).map(({ type, attempt }) => [type, attempt])).toEqual([
      ['run.created', 0],
      ['run.started', 1],
      ['assistant.message', 1],
      ['run.retrying', 1],
      ['run.started', 2],
      ['assistant.message', 2],
      ['run.succeeded', 2],
    ])
    expect(told(of(second))).toEqual(whole(second))
    expect(of(second)[0]).toMatchObject({ agent_key: 'echo' })
    await stream.close()
  })
})

describe('runs that are compacted while they are followed', () => {
  test('read the same from every cursor of before', async ({ createServer, database }) => {
    const talker = defineAgent({
      key: 'talker',
      async run(ctx) {
        for (const word of ['Once ', 'upon ', 'a ', 'time.']) {
          await ctx.emit('assistant.delta', { messageId: 'm', content: word })
          // Each in a row of its own.
          await ctx.checkpoint(word)
        }
        return {}
      },
    })
    const server = await createServer({ agents: [talker] })
    const { path, ask } = await createConversation(server)
    const runIds = [await ask('one', 'talker'), await ask('two', 'talker')]
    const stream = await server.rest.stream(path)
    const before = await untilEnded(stream, 2)
    await stream.close()
    await database.sql(`
      UPDATE agent_runtime.run SET created_at = created_at - interval '2 h', started_at = started_at - interval '2 h',
        finished_at = finished_at - interval '2 h'`)
    const other = await createServer({ agents: [talker], worker: false })
    await other.runtime.start()
    await expect
      .poll(() => database.sql(`SELECT FROM agent_runtime.event WHERE type = 'assistant.delta'`), {
        timeout: 20_000,
      })
      .toHaveLength(2)
    for (const [index, { cursor }] of before.entries()) {
      const { body } = await server.rest.get(`${path}?after=${cursor}`)
      const seen = [...before.slice(0, index + 1), ...(body['results'] as RestEvent[])]
      for (const runId of runIds) {
        const of = seen.filter(({ run_id: id }) => id === runId)
        expect(of.map(({ seq }) => seq)).toEqual(
          [...new Set(of.map(({ seq }) => seq))].toSorted((a, b) => a - b),
        )
        expect(textOfDeltas(of)).toBe('Once upon a time.')
        expect([of[0]?.type, of.at(-1)?.type]).toEqual(['run.created', 'run.succeeded'])
      }
    }
  })
})

/** As a reader puts it together. */
function textOfDeltas(events: readonly RestEvent[]): string {
  return events.reduce((text, { type, payload }) => {
    const { content, offset } = payload as { content: string; offset?: number }
    return type === 'assistant.delta' ? text.slice(0, offset) + content : text
  }, '')
}

describe('the stream ends', () => {
  test('when the conversation is deleted, at every server', async ({ createServer }) => {
    const held = createHeldAgent()
    const server = await createServer({ agents: [held.agent] })
    const other = await createServer({ agents: [held.agent], worker: false })
    const { id, path, ask } = await createConversation(server)
    await ask('one', 'held')
    await held.attempt(0)
    const streams = await Promise.all([server.rest.stream(path), other.rest.stream(path)])
    const refusal = new Promise<unknown>((resolve) => {
      other.trpc.client.conversations.events.subscribe({ conversationId: id }, { onError: resolve })
    })
    for (const stream of streams) await stream.until('run.started')
    expect((await server.rest.request('DELETE', `conversations/${id}`)).status).toBe(204)
    for (const stream of streams) await expect(untilEnd(stream)).rejects.toThrow('There is no conversation')
    expect(await refusal).toMatchObject({ data: { error: { code: 'not_found' } } })
    expect((await other.rest.get(path)).status).toBe(404)
  })

  test('when a visitor’s session is claimed, and goes on for the user from where it was', async ({
    createServer,
  }) => {
    const server = await createServer({
      agents: [echo],
      anonymousSessions: true,
      authenticate: (request) =>
        request.headers.get('x-user') === 'ada' ? { id: 'ada', tenantId: '', kind: 'user' } : null,
      config: { streamReauthenticateSeconds: 0.05 },
    })
    const { token } = await server.runtime.sessions.create()
    const [visitor, ada] = [server.as({ 'x-anonymous-token': token }), server.as({ 'x-user': 'ada' })]
    const { id, path, ask } = await createConversation(visitor)
    await ask('one')
    const stream = await visitor.rest.stream(path)
    const last = (await stream.until('run.succeeded')).at(-1)
    expect((await ada.rest.post('sessions/claim', { token })).status).toBe(200)
    expect(await stream.next()).toBeUndefined()
    const second = await ada.rest.create('echo', { conversation_id: id, ...say('two') })
    const again = await ada.rest.stream(path, { headers: { 'last-event-id': last?.cursor ?? '' } })
    expect(told(await again.until('run.succeeded'))).toEqual(whole(second))
    await again.close()
    expect((await visitor.rest.get(path)).status).toBe(401)
  })

  test('when its server stops, for its reader to go elsewhere', async ({ createServer }) => {
    const server = await createServer({ agents: [echo] })
    const other = await createServer({ agents: [echo], worker: false })
    const { path, ask } = await createConversation(server)
    const stream = await other.rest.stream(path)
    await ask('one')
    const [created] = await stream.until('run.succeeded')
    await other.runtime.stop()
    expect(await stream.next()).toBeUndefined()
    const { body } = await server.rest.get(`${path}?after=${created?.cursor}`)
    expect(body['results']).toHaveLength(3)
  })
})

/** Events up to the end of so many runs, which go on side by side. */
async function untilEnded(
  stream: { next(): Promise<RestEvent | undefined> },
  runs: number,
): Promise<RestEvent[]> {
  const events: RestEvent[] = []
  for (let ended = 0; ended < runs;) {
    const event = await stream.next()
    if (event === undefined) throw new Error('the stream ended')
    events.push(event)
    if (isTerminalEvent(event.type)) ended += 1
  }
  return events
}

async function untilEnd(stream: { next(): Promise<RestEvent | undefined> }): Promise<void> {
  while ((await stream.next()) !== undefined);
}
