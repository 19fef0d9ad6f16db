// Sockets through the commands: what `serve` and `dev` do with a connection that leaves HTTP.
import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { createAgentClient } from '../../../client/index.ts'
import { createWorkspace, entry, runCli, serverModule, startDev, webFixture } from '../../support/cli.ts'
import { createTestDatabase } from '../../support/database.ts'
import { openRawSocket, refusalOf } from '../../support/raw-socket.ts'
import { createRun } from '../../support/rest.ts'

const socketOf = (url: string, path = '/trpc') => `${url.replace('http', 'ws')}${path}`
const follow = (runId: string) => ({
  id: 1,
  method: 'subscription',
  params: { path: 'runs.events', input: { runId } },
})

test('serve takes sockets, and ends with one open', async () => {
  await using database = await createTestDatabase()
  await using folder = await createWorkspace()
  const options = { cwd: folder.path, env: { DATABASE_URL: database.url } }
  await using server = runCli(['serve', entry('working'), '--port', '0', '--insecure'], options)
  const [, url = ''] = await server.printed(/Listening on (\S+)/)
  using raw = await openRawSocket(socketOf(url), { origin: url })
  raw.send(follow(await createRun(url, 'echo')))
  await raw.until(({ result }) => result?.type === 'started')

  expect(await refusalOf(socketOf(url, '/elsewhere'), {})).toMatchObject({ status: 404 })

  server.kill('SIGTERM')
  expect(await raw.closed).toBe(1012)
  expect(await server.exited).toBe(0)
  expect(server.stderr()).toBe('')
})

test('a request that offers another protocol is answered in this one', async () => {
  await using database = await createTestDatabase()
  await using folder = await createWorkspace()
  const options = { cwd: folder.path, env: { DATABASE_URL: database.url } }
  await using server = runCli(['serve', entry('working'), '--port', '0', '--insecure'], options)
  const [, url = ''] = await server.printed(/Listening on (\S+)/)
  const headers = { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': '' }
  const [answer] = (await once(httpRequest(`${url}/healthz`, { headers }).end(), 'response')) as [
    IncomingMessage,
  ]
  expect(answer.statusCode).toBe(200)
  answer.resume()
})

test('dev hands them on, from one version of the code to the next, beside those of Vite', async () => {
  await using folder = await createWorkspace()
  await folder.write(
    'runtime.ts',
    `import { existsSync } from 'node:fs'
     import { setTimeout as sleep } from 'node:timers/promises'
     import { createAgentRuntime, defineAgent } from ${JSON.stringify(serverModule)}
     import { word } from './word.ts'
     const held = defineAgent({
       key: 'held',
       async run(ctx) {
         await ctx.emitMessage('begun in ' + word)
         while (!existsSync('go')) await sleep(20, undefined, { signal: ctx.signal })
         await ctx.emitMessage('ended in ' + word)
       },
     })
     export default createAgentRuntime({ agents: [held] })`,
  )
  await folder.write('word.ts', "export const word = 'one'\n")
  const args = ['--port', '0', '--web', webFixture, '--drain-timeout', '0']
  await using dev = await startDev(args, { cwd: folder.path, env: { LOG_LEVEL: 'warn' } })

  const viteClient = await (await fetch(`${dev.url}/@vite/client`)).text()
  const token = /wsToken = "([^"]+)"/.exec(viteClient)?.[1]
  const hot = new WebSocket(socketOf(dev.url, `/?token=${token}`), 'vite-hmr')
  const [greeting] = (await once(hot, 'message')) as [Buffer]
  expect(JSON.parse(greeting.toString())).toEqual({ type: 'connected' })
  hot.terminate()

  const client = createAgentClient({ url: `${dev.url}/trpc`, transport: 'websocket' })
  const run = await client.runs.follow(await createRun(dev.url, 'held'))
  const said: string[] = []
  for await (const event of run.events()) {
    if (event.type !== 'assistant.message') continue
    said.push(event.payload.content)
    if (said.length === 1) await folder.write('word.ts', "export const word = 'two'\n")
    // Only after the run was handed on; otherwise it would end on the old code.
    if (said.length === 2) await folder.write('go', '')
  }
  expect(said).toEqual(['begun in one', 'begun in two', 'ended in two'])

  dev.kill('SIGINT')
  expect(await dev.exited).toBe(0)
  expect(dev.stderr()).toBe('')
})

test('dev without reload takes them itself', async () => {
  await using folder = await createWorkspace()
  await using dev = await startDev([entry('working'), '--port', '0', '--no-reload'], { cwd: folder.path })
  using raw = await openRawSocket(socketOf(dev.url))
  raw.send(follow(await createRun(dev.url, 'echo')))
  const answers = await raw.until(({ result }) => result?.type === 'stopped')
  expect(answers.some(({ result }) => result?.type === 'data')).toBe(true)
})
