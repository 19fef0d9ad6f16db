// Uploads over a network, by clients that stall, leave, lie, or are many.
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect } from 'vitest'
import { defineAgent } from '../../../../server/index.ts'
import type { AgentRuntime } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'
import { PLACES, rowsOf } from './places.ts'

const agent = defineAgent({ key: 'agent', run: async () => ({ output: 'done' }) })

async function serve(runtime: AgentRuntime) {
  const server = createHttpServer(runtime.nodeHandler).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    url: `http://127.0.0.1:${port}/api/agents`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Copying this much takes time on any machine. */
const SLOW = { timeout: 180_000 }
const BOUNDARY = 'x'
const HEAD = [
  `--${BOUNDARY}`,
  'content-disposition: form-data; name="files"; filename="a"',
  'content-type: text/plain',
  '',
  '',
].join('\r\n')

/** A request with a hand-written body. */
async function begin(port: number, length: number, path = 'files/'): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  socket.write(
    `POST /api/agents/${path} HTTP/1.1\r\nhost: a\r\ncontent-type: multipart/form-data; boundary=${BOUNDARY}\r\ncontent-length: ${length}\r\n\r\n`,
  )
  return socket
}

/** The part of the answer that came before the connection was closed. */
async function answerOf(socket: Socket): Promise<string> {
  let text = ''
  for await (const chunk of socket) {
    text += String(chunk)
    if (text.includes('"code"') || text.includes('"files"')) break
  }
  return text
}

describe.for(PLACES)('kept in %s', ([, createPlace]) => {
  test('a client that leaves or stalls leaves nothing', async ({ createServer, database }) => {
    await using place = await createPlace()
    const options = { agents: [agent] as const, worker: false }
    const { runtime, rest } = await createServer({ ...options, config: place.config })
    await using host = await serve(runtime)
    await runtime.start()
    const kept = async () => [await rowsOf(database.sql), await place.pieces(database.sql)]

    const leaving = await begin(host.port, 5_000_000)
    leaving.write(HEAD)
    leaving.write(Buffer.alloc(1_000_000))
    await expect.poll(kept).not.toEqual([0, 0])
    leaving.destroy()
    await expect.poll(kept).toEqual([0, 0])

    const hasty = await createServer({ ...options, config: { ...place.config, uploadIdleSeconds: 0.3 } })
    await using hastyHost = await serve(hasty.runtime)
    const stalling = await begin(hastyHost.port, 5_000_000)
    stalling.write(HEAD)
    stalling.write(Buffer.alloc(1_000_000))
    expect(await answerOf(stalling)).toMatch(/^HTTP\/1\.1 400 [^]*stood still/)
    expect(await kept()).toEqual([0, 0])
    expect((await rest.get('files')).body).toMatchObject({ count: 0 })
  })

  test(
    '20 MB go up and down in little memory, and runs go on meanwhile',
    SLOW,
    async ({ createServer, database }) => {
      await using place = await createPlace()
      const { runtime, rest } = await createServer({ agents: [agent], config: place.config })
      await using host = await serve(runtime)
      const size = 20 * 1024 * 1024
      const uploads = Array.from({ length: 3 }, async (_, index) => {
        const body = new FormData()
        body.append('files', new Blob([new Uint8Array(size).fill(index)]), 'large')
        const answer = await fetch(`${host.url}/files/`, { method: 'POST', body })
        const { files } = (await answer.json()) as { files: [{ id: string; size: number }] }
        expect(files[0].size).toBe(size)
        const served = await fetch(`${host.url}/files/${files[0].id}/`)
        let read = 0
        for await (const chunk of served.body ?? []) {
          read += chunk.length
          expect(Buffer.alloc(chunk.length, index).equals(chunk)).toBe(true)
        }
        expect(read).toBe(size)
      })
      const runs = Array.from({ length: 5 }, async () => {
        const events = await rest.events(`runs/${await rest.create('agent')}/events`)
        expect(events.at(-1)?.type).toBe('run.succeeded')
      })
      await Promise.all([...uploads, ...runs])
      expect(await rowsOf(database.sql)).toBe(3)
    },
  )
})

describe('a malformed form', () => {
  const closing = `\r\n--${BOUNDARY}--\r\n`
  test.for<[what: string, body: string]>([
    ['ends in its middle', `${HEAD}Hello`],
    ['ends before it begins', ''],
    ['is something else', 'Hello'],
    ['has another boundary', `--y\r\n\r\nHello\r\n--y--\r\n`],
    ['has no headers', `--${BOUNDARY}\r\nHello${closing}`],
    ['has headers without end', `--${BOUNDARY}\r\n${'x: y\r\n'.repeat(20_000)}`],
    ['has a part without a name', `--${BOUNDARY}\r\ncontent-disposition: form-data\r\n\r\nHello${closing}`],
    [
      'has a name that is none',
      `--${BOUNDARY}\r\ncontent-disposition: form-data; name="__proto__"\r\n\r\n{}${closing}`,
    ],
  ])('that %s is refused, and leaves nothing', async ([, body], { createServer, database }) => {
    const { rest } = await createServer({ agents: [agent], worker: false })
    const headers = { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` }
    for (const path of ['files/', 'runs/']) {
      const answer = await rest.send(path, { method: 'POST', body, headers })
      expect([answer.status, await answer.text()]).toEqual([400, expect.stringContaining('"code"')])
    }
    expect(await rowsOf(database.sql)).toBe(0)
  })

  test('without a boundary, or without form data, is refused', async ({ createServer }) => {
    const { rest } = await createServer({ agents: [agent], worker: false })
    const send = (type: string) =>
      rest.send('files/', { method: 'POST', body: 'Hello', headers: { 'content-type': type } })
    expect((await send('multipart/form-data')).status).toBe(400)
    expect((await send('application/json')).status).toBe(415)
    expect((await send('multipart/form-data; boundary=')).status).toBe(400)
  })
})

test('a form that is too large is refused before it arrives, or while it does', async ({
  createServer,
  database,
}) => {
  const { runtime } = await createServer({
    agents: [agent],
    worker: false,
    config: { maxFileBytes: 1_000, maxFilesPerRequest: 1, maxBodyBytes: 1_000 },
  })
  await using host = await serve(runtime)
  await runtime.start()
  expect(await answerOf(await begin(host.port, 100_000_000))).toMatch(/^HTTP\/1\.1 413/)
  expect(await rowsOf(database.sql)).toBe(0)
  // Text before the first part belongs to no part.
  const endless = await begin(host.port, 50_000)
  endless.write('x'.repeat(50_000))
  expect(await answerOf(endless)).toMatch(/^HTTP\/1\.1 413/)
  // Other routes treat a form like any body.
  expect(await answerOf(await begin(host.port, 1_001, 'conversations/'))).toMatch(/^HTTP\/1\.1 413/)
})

test('no page of another origin can send one, with cookies or without authentication', async ({
  createServer,
}) => {
  const { rest } = await createServer({
    agents: [agent],
    worker: false,
    config: { allowedOrigins: ['https://app.example'] },
  })
  const send = (path: string, headers: Record<string, string>) => {
    const body = new FormData()
    body.append('agent_key', 'agent')
    body.append('files', new Blob(['Hello']), 'a')
    return rest.send(path, { method: 'POST', body, headers }).then(({ status }) => status)
  }
  for (const path of ['runs/', 'files/', '/trpc/files']) {
    expect(await send(path, { origin: 'https://evil.example' })).toBe(403)
    expect(await send(path, { origin: 'null' })).toBe(403)
    expect(await send(path, { cookie: 'a=b' })).toBe(403)
    expect(await send(path, { origin: 'https://evil.example', cookie: 'a=b' })).toBe(403)
    expect(await send(path, { origin: 'https://app.example', cookie: 'a=b' })).toBe(201)
    expect(await send(path, { origin: 'http://runtime.test' })).toBe(201)
    expect(await send(path, {})).toBe(201)
  }
})
