// What files that go up and down take from others: so many at once, so many of one caller, and so much a second.
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect } from 'vitest'
import { defineAgent } from '../../../../server/index.ts'
import type { Settings } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'
import type { CreateServer } from '../../../support/runtime.ts'

const agent = defineAgent({ key: 'agent', run: async () => ({ output: 'done' }) })
const PATIENT = { timeout: 60_000 }

async function serve(createServer: CreateServer, config: Settings, isOpen = false) {
  const { runtime } = await createServer({
    agents: [agent],
    worker: false,
    config,
    ...(!isOpen && {
      authenticate: (request: Request) => ({
        id: request.headers.get('authorization') ?? 'ada',
        tenantId: 'acme',
        kind: 'user' as const,
      }),
    }),
  })
  const server = createHttpServer(runtime.nodeHandler).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const url = `http://127.0.0.1:${port}/api/agents/files/`

  /** A request by hand, of which no more comes than this. */
  async function begin(head: string): Promise<Socket> {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    await once(socket, 'connect')
    socket.write(head)
    return socket
  }

  return {
    /** An upload that stands still. */
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
    /** A download of which nothing is taken. */
    async leaveLying(id: string) {
      const socket = await begin(`GET /api/agents/files/${id}/ HTTP/1.1\r\nhost: a\r\n\r\n`)
      socket.pause()
      return socket
    },
    download: (id: string) => fetch(`${url}${id}/`),
    runtime,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Whether each was answered by now, and with what. */
function watch(requests: readonly Promise<Response>[]) {
  const statuses: (number | undefined)[] = requests.map(() => undefined)
  requests.forEach((request, index) => {
    request.then(
      ({ status }) => (statuses[index] = status),
      () => (statuses[index] = 0),
    )
  })
  return statuses
}

test(
  'one caller’s wait for each other, and nobody else for them',
  PATIENT,
  async ({ createServer, database }) => {
    // A fifth of them is one.
    await using server = await serve(createServer, { filesAtOnce: 5 })
    const rows = async () =>
      (await database.sql<{ n: number }>('SELECT count(*)::int AS n FROM agent_runtime.file_chunk'))[0]?.n
    const stalled = await server.stall()
    await expect.poll(rows, { timeout: 20_000 }).toBe(1)
    const waiting = Array.from({ length: 10 }, () => server.upload('ada'))
    const statuses = watch(waiting)
    const counted = async () => (await database.sql('SELECT FROM agent_runtime.file')).length
    await expect.poll(counted, { timeout: 20_000 }).toBe(11)
    const refused = await server.upload('ada')
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '5'])
    expect(await refused.json()).toMatchObject({ code: 'rate_limited' })
    expect((await server.upload('bob')).status).toBe(201)
    expect(statuses).toEqual(Array(10).fill(undefined))
    stalled.destroy()
    await Promise.all(waiting)
    expect(statuses).toEqual(Array(10).fill(201))
  },
)

test(
  'where all have their places taken, a line forms that has an end',
  PATIENT,
  async ({ createServer, database }) => {
    await using server = await serve(createServer, { filesAtOnce: 1 }, true)
    const stalled = await server.stall()
    const counted = async () => (await database.sql('SELECT FROM agent_runtime.file')).length
    await expect.poll(counted, { timeout: 20_000 }).toBe(1)
    const waiting = Array.from({ length: 10 }, () => server.upload())
    await expect.poll(counted, { timeout: 20_000 }).toBe(11)
    const refused = await server.upload()
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1'])
    stalled.destroy()
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual(Array(10).fill(201))
  },
)

test('a download that nobody takes gives its place up', PATIENT, async ({ createServer }) => {
  await using server = await serve(createServer, { filesAtOnce: 1, uploadIdleSeconds: 0.5 })
  const size = 20_000_000
  const { files } = (await (await server.upload('ada', size)).json()) as { files: [{ id: string }] }
  const [{ id }] = files
  const lying = await server.leaveLying(id)
  await once(lying.resume(), 'data')
  lying.pause()
  const taken = await server.download(id)
  expect([taken.status, (await taken.arrayBuffer()).byteLength]).toEqual([200, size])
})

test('all together go up and down no faster than the setting says', PATIENT, async ({ createServer }) => {
  await using server = await serve(createServer, { fileBytesPerSecond: 1_000_000 })
  const startedAt = performance.now()
  const uploads = await Promise.all([server.upload('ada', 400_000), server.upload('bob', 400_000)])
  expect(uploads.map(({ status }) => status)).toEqual([201, 201])
  // The last piece is not waited for.
  expect(performance.now() - startedAt).toBeGreaterThan(500)
  const { files } = (await uploads[0].json()) as { files: [{ id: string }] }
  const downloadedAt = performance.now()
  await Promise.all([1, 2].map(async () => (await server.download(files[0].id)).arrayBuffer()))
  expect(performance.now() - downloadedAt).toBeGreaterThan(400)
})
