import { createServer as createHttpServer, get } from 'node:http'
import type { ClientRequest, IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { createParser } from 'eventsource-parser'
import pg from 'pg'
import { describe, expect, vi } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'

/** Emits as many events as the test says, when it says so. Ends when the number is 0. */
function createSource(bytes = 0) {
  const asked: PromiseWithResolvers<number>[] = [Promise.withResolvers()]
  let emitted = 0
  const agent = defineAgent({
    key: 'source',
    events: { block: { schema: z.object({ n: z.number(), text: z.string() }) } },
    async run(ctx) {
      for (let index = 0; ; index += 1) {
        const count = (await asked[index]?.promise) ?? 0
        if (count === 0) return
        for (let i = 0; i < count; i += 1) {
          emitted += 1
          await ctx.emit('block', { n: emitted, text: 'x'.repeat(bytes) })
        }
      }
    },
  })
  const emit = (count: number) => {
    asked.push(Promise.withResolvers())
    asked.at(-2)?.resolve(count)
  }
  return { agent, emit, end: () => emit(0) }
}

interface Block {
  type: 'block'
  payload: { n: number }
}

/** Uses real sockets, since the test is about whether they are read. */
async function serve(handler: (request: Request) => Promise<Response>) {
  const server = createHttpServer(getRequestListener(handler))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const requests = new Set<ClientRequest>()

  async function open(path: string): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const request = get({ port, path, agent: false }, resolve).once('error', reject)
      requests.add(request)
    })
  }

  return {
    /** Counts the blocks as they come. */
    async follow(path: string) {
      const response = await open(path)
      const reader = { response, blocks: [] as number[], ended: false, read() {} }
      const parser = createParser({
        onEvent({ data }) {
          const event = data === '' ? undefined : (JSON.parse(data) as Partial<Block>)
          if (event?.type === 'block' && event.payload !== undefined) reader.blocks.push(event.payload.n)
        },
      })
      reader.read = () => {
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => parser.feed(chunk))
        response.on('end', () => (reader.ended = true))
      }
      return reader
    },
    async [Symbol.asyncDispose]() {
      for (const request of requests) request.destroy()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1)
const TIMEOUT = { interval: 1, timeout: 20_000 }
const rest = (id: string) => `/api/agents/runs/${id}/events/stream?`
const trpc = (id: string) => `/trpc/runs.events?input=${encodeURIComponent(JSON.stringify({ runId: id }))}`

describe('many readers of one run', () => {
  test('do not wait for those that do not read, which get everything all the same', async ({
    createServer,
  }) => {
    // 14 MB: more than a socket's buffers hold.
    const [blocks, bytes] = [1_750, 8_000]
    const { agent, emit, end } = createSource(bytes)
    const { runtime, rest: client } = await createServer({ agents: [agent] })
    await using http = await serve(runtime.handler)
    const id = await client.create('source')
    const open = async (count: number, more = '') => {
      const paths = Array.from({ length: count }, (_, index) => (index % 2 === 0 ? rest : trpc)(id) + more)
      return Promise.all(paths.map((path) => http.follow(path)))
    }
    const slow = await open(2)
    const fast = await open(4)
    for (const reader of fast) reader.read()
    emit(blocks)
    await vi.waitFor(
      () => expect(fast.every((reader) => reader.blocks.length === blocks)).toBe(true),
      TIMEOUT,
    )
    // The others get what is new to a hundred readers, while the two still hold their first events.
    const late = await open(100, `&from_seq=${blocks + 2}&lastEventId=${blocks + 1}`)
    for (const reader of late) reader.read()
    for (let round = 1; round <= 10; round += 1) {
      emit(1)
      await vi.waitFor(
        () => expect(late.every((reader) => reader.blocks.length === round)).toBe(true),
        TIMEOUT,
      )
    }
    for (const { response } of slow) expect(response.socket.bytesRead).toBeLessThan((blocks * bytes) / 2)
    end()
    await vi.waitFor(() => expect([...fast, ...late].every((reader) => reader.ended)).toBe(true), TIMEOUT)
    for (const reader of slow) reader.read()
    await vi.waitFor(() => expect(slow.every((reader) => reader.ended)).toBe(true), TIMEOUT)
    for (const reader of [...fast, ...slow]) expect(reader.blocks).toEqual(upTo(blocks + 10))
    for (const reader of late) expect(reader.blocks).toEqual(upTo(blocks + 10).slice(blocks))
  })

  test('cost as many statements as one', async ({ createServer, database }) => {
    const { agent, emit, end } = createSource()
    const api = await createServer({ agents: [agent], worker: false })
    await createServer({ agents: [agent] })
    const id = await api.rest.create('source')
    await using http = await serve(api.runtime.handler)
    // Counts reads of every pool. The worker reads no events, so they are the API's.
    const statements = vi.spyOn(pg.Pool.prototype, 'query')
    const reads = () =>
      statements.mock.calls.filter(([query]) => (query as { name?: string }).name === 'read_events').length
    const readers = await Promise.all(
      Array.from({ length: 60 }, (_, index) => http.follow(index % 2 === 0 ? rest(id) : trpc(id))),
    )
    for (const reader of readers) reader.read()
    const rounds = 20
    for (let round = 1; round <= rounds; round += 1) {
      emit(1)
      await vi.waitFor(
        () => expect(readers.every((reader) => reader.blocks.length === round)).toBe(true),
        TIMEOUT,
      )
    }
    // One look at the beginning, one for each hint and, at times, one more for a hint that came during a
    // look.
    expect(reads()).toBeLessThan(3 * rounds)
    statements.mockRestore()
    end()
    await vi.waitFor(() => expect(readers.every((reader) => reader.ended)).toBe(true))
    for (const reader of readers) expect(reader.blocks).toEqual(upTo(rounds))
    expect(
      await database.sql(
        `SELECT 1 FROM pg_stat_activity
         WHERE datname = current_database() AND application_name = 'agent-runtime listen'`,
      ),
    ).toHaveLength(2)
  })
})
