// A server that is killed during an upload. Others remove what it had stored.
import { once } from 'node:events'
import { connect } from 'node:net'
import { expect } from 'vitest'
import { defineAgent } from '../../../../server/index.ts'
import { createWorkspace, entry, runCli } from '../../../support/cli.ts'
import { test } from '../../../support/runtime.ts'
import { PLACES, rowsOf } from './places.ts'

const agent = defineAgent({ key: 'agent', run: async () => ({ output: 'done' }) })
const BODY = [
  '--x',
  'content-disposition: form-data; name="files"; filename="a"',
  'content-type: text/plain',
  '',
  'a'.repeat(1_000_000),
].join('\r\n')

test.for(PLACES)(
  'nothing is left of it in %s',
  { timeout: 120_000 },
  async ([, createPlace], { createServer, database }) => {
    await using place = await createPlace()
    await using folder = await createWorkspace()
    const { filesFolder } = place.config
    const env = { DATABASE_URL: database.url, ...(filesFolder && { FILES_FOLDER: filesFolder }) }
    const serve = ['serve', entry('working'), '--port', '0', '--insecure']
    await using server = runCli(serve, { cwd: folder.path, env })
    const [, port] = await server.printed(/http:\/\/[^:\s]+:(\d+)/)
    const kept = async () => [await rowsOf(database.sql), await place.pieces(database.sql)]

    const socket = connect(Number(port), '127.0.0.1')
    socket.on('error', () => {})
    await once(socket, 'connect')
    socket.write(
      `POST /api/agents/files/ HTTP/1.1\r\nhost: a\r\ncontent-type: multipart/form-data; boundary=x\r\ncontent-length: 5000000\r\n\r\n${BODY}`,
    )
    await expect.poll(async () => (await kept()).every((count) => count > 0), { timeout: 30_000 }).toBe(true)
    server.killAll('SIGKILL')
    await server.exited
    socket.destroy()
    expect((await kept()).every((count) => count > 0)).toBe(true)

    // Its time is over.
    await database.sql(`UPDATE agent_runtime.file SET expires_at = now() - interval '1 second'`)
    const other = await createServer({ agents: [agent], worker: false, config: place.config })
    expect((await other.rest.get('files')).body).toMatchObject({ count: 0 })
    await other.runtime.start()
    await expect.poll(kept, { timeout: 30_000 }).toEqual([0, 0])
  },
)
