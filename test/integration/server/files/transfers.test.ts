// What uploads and downloads take from other callers.
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { expect, vi } from 'vitest'
import { defineAgent } from '../../../../server/index.ts'
import type { Settings } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'
import type { CreateServer } from '../../../support/runtime.ts'

const agent = defineAgent({ key: 'agent', run: async () => ({ output: 'done' }) })
const PATIENT = { timeout: 180_000 }

async function serve(createServer: CreateServer, config: Settings) {
  const { runtime } = await createServer({
    agents: [agent],
    worker: false,
    config,
    authenticate: (request: Request) => ({
      id: request.headers.get('authorization') ?? 'ada',
      tenantId: 'acme',
      kind: 'user' as const,
    }),
  })
  const server = createHttpServer(runtime.nodeHandler).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}/api/agents/files/`

  /** A hand-written request that ends after this text. */
  async function begin(head: string): Promise<Socket> {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    await once(socket, 'connect')
    socket.write(head)
    return socket
  }

  return {
    /** An upload that stalls. */
    stall: (who = 'ada') =>
      begin(
        [
          'POST /api/agents/files/ HTTP/1.1',
          'host: a',
          `authorization: ${who}`,
          'content-type: multipart/form-data; boundary=x',
          'content-length: 5000000',
          '',
          '--x',
          'content-disposition: form-data; name="files"; filename="a"',
          '',
          '',
        ].join('\r\n') + 'a'.repeat(300_000),
      ),
    upload(who = 'ada', bytes = 10) {
      const body = new FormData()
      body.append('files', new Blob([new Uint8Array(bytes)]), 'a')
      return fetch(url, { method: 'POST', body, headers: { authorization: who } })
    },
    /** A download whose client reads nothing. */
    async leaveLying(id: string, who = 'ada') {
      const head = ['host: a', `authorization: ${who}`, '', ''].join('\r\n')
      const socket = await begin(`GET /api/agents/files/${id}/ HTTP/1.1\r\n${head}`)
      socket.pause()
      return socket
    },
    download: (id: string) => fetch(`${url}${id}/`),
    connections: () => promisify(server.getConnections.bind(server))(),
    runtime,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** The only file of an upload's answer. */
async function idOf(uploaded: Response): Promise<string> {
  const { files } = (await uploaded.json()) as { files: [{ id: string }] }
  return files[0].id
}

const USERS = ['ada', 'ben', 'cleo', 'dora', 'emil']
const LARGE = 20_000_000

test(
  'clients that stand still hold nobody up, not even their own caller',
  PATIENT,
  async ({ createServer }) => {
    await using server = await serve(createServer, {})
    const id = await idOf(await server.upload('ada', LARGE))
    const still = USERS.flatMap((who) =>
      Array.from({ length: 12 }, (_, n) => (n < 10 ? server.stall(who) : server.leaveLying(id))),
    )
    await Promise.all(still)
    const uploads = await Promise.all(
      ['zoe', ...Array<string>(30).fill('ada')].map((who) => server.upload(who)),
    )
    expect(uploads.map(({ status }) => status)).toEqual(Array(31).fill(201))
    expect((await (await server.download(id)).arrayBuffer()).byteLength).toBe(LARGE)
  },
)

test(
  'a caller has so many under way at once, and then is refused at once',
  PATIENT,
  async ({ createServer, database }) => {
    await using server = await serve(createServer, { transfersPerPrincipal: 2 })
    const id = await idOf(await server.upload('ada', LARGE))
    const lying = await server.leaveLying(id)
    await expect.poll(() => lying.readableLength).toBeGreaterThan(0)
    const open = [lying, await server.stall()]
    const begun = async () => (await database.sql('SELECT FROM agent_runtime.file')).length
    await expect.poll(begun).toBe(2)
    expect((await server.upload()).status).toBe(429)
    const refused = await server.download(id)
    expect([refused.status, await refused.json()]).toEqual([
      429,
      expect.objectContaining({ code: 'rate_limited' }),
    ])
    expect((await server.upload('ben')).status).toBe(201)
    for (const socket of open) socket.destroy()
    await expect.poll(async () => (await server.upload()).status).toBe(201)
  },
)

test('code on the server copies many files at once', PATIENT, async ({ createServer }) => {
  await using server = await serve(createServer, {})
  const ada = { id: 'ada', tenantId: 'acme', kind: 'user' as const }
  const { files } = server.runtime
  const { id, sha256 } = await files.upload(ada, { name: 'a' }, pieces(8))
  // It ends without `return`, like code that throws.
  for (let n = 0; n < 20; n++) await (await files.open(ada, id)).read()[Symbol.asyncIterator]().next()
  const copies = await Promise.all(
    Array.from({ length: 20 }, async () =>
      files.upload(ada, { name: 'b' }, (await files.open(ada, id)).read()),
    ),
  )
  expect(copies.map((copy) => copy.sha256)).toEqual(Array(20).fill(sha256))
})

async function* pieces(count: number) {
  for (let n = 0; n < count; n++) yield new Uint8Array(100_000).fill(n)
}

test('a slow client that takes all the time gets its file', PATIENT, async ({ createServer }) => {
  await using server = await serve(createServer, { uploadIdleSeconds: 0.5 })
  const socket = await server.leaveLying(await idOf(await server.upload('ada', LARGE)))
  let taken = 0
  while (taken < LARGE && !socket.closed) {
    taken += ((socket.read(120_000) ?? socket.read()) as Buffer | null)?.length ?? 0
    await sleep(100)
  }
  expect(taken).toBeGreaterThan(LARGE)
})

test(
  'a download that is left lying or loses its file ends, and says so in the log alone',
  PATIENT,
  async ({ createServer }) => {
    await using server = await serve(createServer, { uploadIdleSeconds: 0.2 })
    const written = vi.spyOn(console, 'error')
    const id = await idOf(await server.upload('ada', LARGE))
    await server.leaveLying(id)
    await expect.poll(server.connections).toBeGreaterThan(0)
    await expect.poll(server.connections).toBe(0)

    const losing = await server.leaveLying(id)
    await expect.poll(() => losing.readableLength).toBeGreaterThan(0)
    await server.runtime.files.delete({ id: 'ada', tenantId: 'acme', kind: 'user' }, id)
    losing.resume()
    await once(losing, 'close')
    expect(written.mock.calls).toEqual([])
  },
)

test('all together go up and down no faster than the setting says', PATIENT, async ({ createServer }) => {
  await using server = await serve(createServer, { fileBytesPerSecond: 1_048_576 })
  const startedAt = performance.now()
  const uploads = await Promise.all([server.upload('ada', 400_000), server.upload('ben', 400_000)])
  expect(uploads.map(({ status }) => status)).toEqual([201, 201])
  // Nobody waits for the last piece.
  expect(performance.now() - startedAt).toBeGreaterThan(480)
  const id = await idOf(uploads[0])
  const downloadedAt = performance.now()
  await Promise.all([1, 2].map(async () => (await server.download(id)).arrayBuffer()))
  expect(performance.now() - downloadedAt).toBeGreaterThan(380)
})

test('clients that leave cost no time', PATIENT, async ({ createServer }) => {
  await using server = await serve(createServer, { fileBytesPerSecond: 1_048_576 })
  const ids = await Promise.all(USERS.map(async (who) => idOf(await server.upload(who, 300_000))))
  const leaving = await Promise.all(
    USERS.flatMap((who, user) => Array.from({ length: 20 }, () => server.leaveLying(ids[user] ?? '', who))),
  )
  await sleep(500)
  for (const socket of leaving) socket.destroy()
  const startedAt = performance.now()
  expect((await server.upload('zoe')).status).toBe(201)
  expect(performance.now() - startedAt).toBeLessThan(5_000)
})

test('a runtime whose largest file has too little time does not start', async ({ createServer }) => {
  const start = (config: Settings) => serve(createServer, config)
  const slow = { fileBytesPerSecond: 1_048_576 }
  await expect(start({ ...slow, maxFileBytes: 400_000_000 })).rejects.toThrow(
    'at least 1333334 bytes a second',
  )
  await expect(start({ fileBytesPerSecond: 1_048_575 })).rejects.toThrow('from 1048576')
  for (const config of [
    { ...slow, maxFileBytes: 314_000_000 },
    { fileBytesPerSecond: false as const, maxFileBytes: 2e9 },
  ]) {
    await using server = await start(config)
    expect((await server.upload()).status).toBe(201)
  }
})
