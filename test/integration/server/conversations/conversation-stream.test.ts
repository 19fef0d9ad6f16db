// The stream of a conversation: all its runs under one cursor, over each transport.
import { describe, expect } from 'vitest'
import { defineAgent } from '../../../../server/index.ts'
import { isTerminalEvent } from '../../../../server/contract/terminal.ts'
import { createHeldAgent } from '../../../support/held-agent.ts'
import type { RestEvent } from '../../../support/rest-client.ts'
import { test } from '../../../support/runtime.ts'
import { echo, say, createConversation, told, whole } from './conversation-stream-scene.ts'

/** The text that a reader puts together. */
function textOfDeltas(events: readonly RestEvent[]): string {
  return events.reduce((text, { type, payload }) => {
    const { content, offset } = payload as { content: string; offset?: number }
    return type === 'assistant.delta' ? text.slice(0, offset) + content : text
  }, '')
}

/** Events up to the end of this many runs, which run side by side. */
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

describe('the stream of a conversation', () => {
  test('tells of each run, existing and later, of any caller on any server', async ({ createServer }) => {
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
    // Page by page, the result is the same.
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
    // The first run continues until it is released.
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
    // Another agent continues in the same conversation.
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
          // Each delta has a row of its own.
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
      .poll(() => database.sql(`SELECT FROM agent_runtime.event WHERE type = 'assistant.delta'`))
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
