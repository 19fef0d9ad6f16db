import { describe, expect } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../../../../server/index.ts'
import type { AnyRunEvent } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'
import { createTestTrpc } from '../../../support/trpc-client.ts'

/** Says words one by one. The second half waits for the test. */
function createTalker(words: number) {
  const half = Promise.withResolvers<void>()
  const agent = defineAgent({
    key: 'talker',
    events: {
      word: { schema: z.object({ n: z.number() }) },
      thought: { schema: z.null(), visibility: 'debug' },
    },
    async run(ctx) {
      for (let n = 1; n <= words; n += 1) {
        if (n === Math.ceil(words / 2) + 1) await half.promise
        await ctx.emit('word', { n })
        await ctx.emit('thought', null)
      }
    },
  })
  return { agent, goOn: () => half.resolve() }
}

const seqs = (events: readonly { seq: number }[]) => events.map(({ seq }) => seq)
const from = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index)

describe('a stream is resumed', () => {
  test('from every cursor, live and after the end, over both transports and two servers', async ({
    createServer,
  }) => {
    const { agent, goOn } = createTalker(6)
    const [one, two] = await Promise.all([
      createServer({ agents: [agent], worker: false }),
      createServer({ agents: [agent], worker: false }),
    ])
    await createServer({ agents: [agent] })
    const id = await one.rest.create('talker')
    // run.started, six words with a thought each, run.succeeded.
    const last = 14
    const stored = 7
    await one.rest.stream(`runs/${id}/events?include_all=1`).then((stream) => nth(stream, stored))

    const path = `runs/${id}/events/stream?include_all=true`
    const readers = (cursors: number[]) =>
      cursors.flatMap((cursor) => {
        const server = cursor % 2 === 0 ? one : two
        return [
          server.rest.events(path, { headers: { 'last-event-id': String(cursor) } }),
          server.rest.events(`${path}&from_seq=${cursor + 1}`),
          server.trpc.events({ runId: id, includeAll: true, lastEventId: cursor }),
        ].map(async (events) => ({ cursor, seqs: seqs(await events) }))
      })
    const cursors = from(0, stored)
    const live = Promise.all(readers(cursors))
    goOn()
    expect(await live).toEqual(
      cursors.flatMap((cursor) =>
        Array.from({ length: 3 }, () => ({ cursor, seqs: from(cursor + 1, last) })),
      ),
    )
    const afterwards = from(0, last - 1)
    expect(await Promise.all(readers(afterwards))).toEqual(
      afterwards.flatMap((cursor) =>
        Array.from({ length: 3 }, () => ({ cursor, seqs: from(cursor + 1, last) })),
      ),
    )
  })

  test('over REST the header goes before the query, and trailing slashes do not matter', async ({
    createServer,
  }) => {
    const { agent, goOn } = createTalker(2)
    goOn()
    const { rest } = await createServer({ agents: [agent] })
    const id = await rest.create('talker')
    await rest.events(`runs/${id}/events`)
    const headers = { 'last-event-id': '4' }
    expect(
      seqs(await rest.events(`runs/${id}/events/stream/?from_seq=2&include_all=1`, { headers })),
    ).toEqual([5, 6])
    expect(seqs(await rest.events(`runs/${id}/events/?from_seq=0&include_all=1`))).toEqual(from(1, 6))
  })

  test('with everything seen of a run that is over: nothing more, and an EventSource is told to stay away', async ({
    createServer,
  }) => {
    const { agent, goOn } = createTalker(2)
    goOn()
    const { rest, trpc } = await createServer({ agents: [agent] })
    const id = await rest.create('talker')
    await rest.events(`runs/${id}/events`)
    // 6 is run.succeeded, 5 an invisible thought, 4 the last word.
    for (const cursor of ['4', '5']) {
      const headers = { 'last-event-id': cursor }
      expect(seqs(await rest.events(`runs/${id}/events/stream`, { headers }))).toEqual([6])
      expect(seqs(await trpc.events({ runId: id, lastEventId: cursor }))).toEqual([6])
    }
    const told = await rest.send(`runs/${id}/events/stream`, { headers: { 'last-event-id': '6' } })
    expect([told.status, await told.text()]).toEqual([204, ''])
    expect(await trpc.events({ runId: id, lastEventId: '6' })).toEqual([])
    const response = await rest.send(`runs/${id}/events/stream?include_all=1`, {
      headers: { 'last-event-id': '6' },
    })
    expect(response.status).toBe(204)
  })

  test('with everything seen of a run that goes on: it waits for what comes', async ({ createServer }) => {
    const { agent, goOn } = createTalker(2)
    const { rest, trpc } = await createServer({ agents: [agent] })
    const id = await rest.create('talker')
    await rest.stream(`runs/${id}/events?include_all=1`).then((stream) => nth(stream, 3))
    const waiting = [
      rest.events(`runs/${id}/events?include_all=1&from_seq=4`),
      trpc.events({ runId: id, includeAll: true, lastEventId: 3 }),
    ]
    goOn()
    expect((await Promise.all(waiting)).map(seqs)).toEqual([from(4, 6), from(4, 6)])
  })
})

describe('an open stream', () => {
  test('of a run that no worker has taken yet waits for it', async ({ createServer }) => {
    const { agent, goOn } = createTalker(1)
    const { rest, trpc, runtime } = await createServer({ agents: [agent], worker: false })
    const id = await rest.create('talker')
    goOn()
    const following = [
      rest.events(`runs/${id}/events?include_all=1`),
      trpc.events({ runId: id, includeAll: true }),
    ]
    await runtime.startWorker()
    expect((await Promise.all(following)).map(seqs)).toEqual([from(1, 4), from(1, 4)])
  })

  test('has the headers that keep proxies from holding it back, and says something while it waits', async ({
    createServer,
  }) => {
    const { agent, goOn } = createTalker(2)
    const { rest } = await createServer({ agents: [agent], config: { streamKeepAliveSeconds: 0.05 } })
    const id = await rest.create('talker')
    const stream = await rest.stream(`runs/${id}/events`)
    expect(stream.headers.get('content-type')).toMatch(/^text\/event-stream/)
    expect(stream.headers.get('cache-control')).toContain('no-store')
    expect(stream.headers.get('x-accel-buffering')).toBe('no')
    await stream.until('word')
    const next = stream.next()
    await expect.poll(() => stream.comments.length).toBeGreaterThan(1)
    goOn()
    expect(await next).toMatchObject({ type: 'word', n: 2 })
    expect(await stream.until('run.succeeded')).toHaveLength(1)
    expect(await stream.next()).toBeUndefined()
  })

  test('is left without a trace: closing it cancels nothing', async ({ createServer }) => {
    const { agent, goOn } = createTalker(2)
    const { rest, trpc } = await createServer({ agents: [agent] })
    const id = await rest.create('talker')
    const stream = await rest.stream(`runs/${id}/events`)
    await stream.next()
    await stream.close()
    const aborted = new AbortController()
    const other = await rest.stream(`runs/${id}/events`, { signal: aborted.signal })
    await other.next()
    aborted.abort()
    goOn()
    expect((await trpc.events({ runId: id, includeAll: true })).at(-1)?.type).toBe('run.succeeded')
    expect((await rest.get(`runs/${id}`)).body).toMatchObject({
      status: 'succeeded',
      cancel_requested_at: null,
    })
  })

  test('asked for by HEAD is not opened', async ({ createServer }) => {
    const { agent, goOn } = createTalker(1)
    goOn()
    const { rest, runtime } = await createServer({ agents: [agent] })
    const id = await rest.create('talker')
    await rest.events(`runs/${id}/events`)
    const head = await rest.send(`runs/${id}/events/stream`, { method: 'HEAD' })
    expect([head.status, head.headers.get('content-type'), head.body]).toEqual([
      200,
      'text/event-stream; charset=utf-8',
      null,
    ])
    const input = encodeURIComponent(JSON.stringify({ runId: id }))
    const url = `http://runtime.test/trpc/runs.events?input=${input}`
    expect((await runtime.handler(new Request(url, { method: 'HEAD' }))).status).toBe(204)
  })

  test('ends when its server stops; another server goes on from there', async ({ createServer }) => {
    const { agent, goOn } = createTalker(4)
    const stopping = await createServer({ agents: [agent], worker: false })
    const staying = await createServer({ agents: [agent] })
    const id = await stopping.rest.create('talker')
    const stream = await stopping.rest.stream(`runs/${id}/events?include_all=1`)
    const seen = await nth(stream, 5)
    let current = stopping.runtime.handler
    const seenOverTrpc: AnyRunEvent[] = []
    const resuming = createTestTrpc((request) => current(request), {}).events(
      { runId: id, includeAll: true },
      { onEvent: (event) => seenOverTrpc.push(event) },
    )
    await expect.poll(() => seenOverTrpc.length).toBe(5)
    current = staying.runtime.handler
    await stopping.runtime.stop()
    expect(await stream.next()).toBeUndefined()
    goOn()
    const rest = await staying.rest.events(`runs/${id}/events?include_all=1`, {
      headers: { 'last-event-id': String(seen.at(-1)?.seq) },
    })
    expect(seqs([...seen, ...rest])).toEqual(from(1, 10))
    expect(seqs(await resuming)).toEqual(from(1, 10))
  })

  test('many readers of one run all see all of it', async ({ createServer }) => {
    const { agent, goOn } = createTalker(20)
    const servers = await Promise.all([createServer({ agents: [agent] }), createServer({ agents: [agent] })])
    const id = await servers[0].rest.create('talker')
    const readers = servers.flatMap(({ rest, trpc }) =>
      Array.from({ length: 25 }, () => [
        rest.events(`runs/${id}/events?include_all=1`),
        trpc.events({ runId: id, includeAll: true }),
      ]),
    )
    goOn()
    const seen = await Promise.all(readers.flat())
    expect(seen.map((events) => seqs(events).length)).toEqual(seen.map(() => 42))
  })
})

describe('events as JSON', () => {
  test('come in pages whose links lead to the end', async ({ createServer }) => {
    const { agent, goOn } = createTalker(6)
    goOn()
    const { rest } = await createServer({ agents: [agent] })
    const id = await rest.create('talker')
    await rest.events(`runs/${id}/events`)
    const pages: number[][] = []
    let path: string | undefined = `runs/${id}/events?include_all=true&limit=5`
    while (path !== undefined) {
      const { status, body }: Awaited<ReturnType<typeof rest.get>> = await rest.get(path)
      expect(status).toBe(200)
      expect(body).toMatchObject({ count: 14, previous: null })
      pages.push(seqs(body['results'] as { seq: number }[]))
      path = pathOf(body['next'])
    }
    expect(pages.filter((page) => page.length > 0)).toEqual([from(1, 5), from(6, 10), from(11, 14)])
  })

  test('count what is visible only, and begin where they are told to', async ({ createServer }) => {
    const { agent, goOn } = createTalker(3)
    goOn()
    const { rest } = await createServer({ agents: [agent] })
    const id = await rest.create('talker')
    await rest.events(`runs/${id}/events`)
    const { body } = await rest.get(`runs/${id}/events?from_seq=3`)
    expect(body).toMatchObject({ count: 5, next: null })
    expect(body['results']).toMatchObject([
      { seq: 4, type: 'word', n: 2 },
      { seq: 6, type: 'word', n: 3 },
      { seq: 8, type: 'run.succeeded' },
    ])
  })

  test('of a run under way are those there are so far', async ({ createServer }) => {
    const { agent, goOn } = createTalker(2)
    const { rest } = await createServer({ agents: [agent] })
    const id = await rest.create('talker')
    await rest.stream(`runs/${id}/events?include_all=1`).then((stream) => nth(stream, 3))
    expect((await rest.get(`runs/${id}/events?include_all=1`)).body).toMatchObject({ count: 3, next: null })
    goOn()
    await rest.events(`runs/${id}/events`)
  })
})

function pathOf(link: unknown): string | undefined {
  return typeof link === 'string' ? link.slice(new URL(link).origin.length) : undefined
}

/** Reads the first events of a stream, and leaves it. */
async function nth<T>(
  stream: { next(): Promise<T | undefined>; close(): Promise<void> },
  count: number,
): Promise<T[]> {
  const events: T[] = []
  while (events.length < count) {
    const event = await stream.next()
    if (event === undefined) throw new Error(`the stream ended after ${events.length} events`)
    events.push(event)
  }
  return events
}
