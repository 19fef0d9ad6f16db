// SIGTERM while the database is away: nothing can be handed back, and the process still ends.
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { expect, test, vi } from 'vitest'
import { createWorkspace, entry, runCli } from '../../support/cli.ts'
import { startCuttingProxy } from '../../support/cutting-proxy.ts'
import type { CuttingProxy } from '../../support/cutting-proxy.ts'
import { createTestDatabase } from '../../support/database.ts'
import { createRun, follow } from '../../support/rest.ts'

vi.setConfig({ testTimeout: 90_000 })

const SECONDS = 10_000

/** Accepts connections and says nothing. */
async function startMute(): Promise<AsyncDisposable & { port: number }> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => void sockets.add(socket.on('error', () => {})))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const refuses = (proxy: CuttingProxy): void => {
  proxy.refuse(true)
  proxy.cut()
}
const swallows = (proxy: CuttingProxy, mutePort: number): void => {
  proxy.target = mutePort
  proxy.stall()
}

test.for([
  ['serve', 'refuses', refuses],
  ['serve', 'swallows everything', swallows],
  ['worker', 'refuses', refuses],
  ['worker', 'swallows everything', swallows],
] as const)('%s stops within seconds when the network to its database %s', async ([command, , fail]) => {
  await using database = await createTestDatabase()
  await using mute = await startMute()
  await using proxy = await startCuttingProxy(Number(new URL(database.url).port))
  const url = new URL(database.url)
  url.port = new URL(proxy.url).port
  await using folder = await createWorkspace()
  const options = (databaseUrl: string) => ({ cwd: folder.path, env: { DATABASE_URL: databaseUrl } })
  const serve = ['serve', entry('working'), '--port', '0', '--insecure']
  const isServer = command === 'serve'
  await using server = runCli(serve, options(isServer ? url.href : database.url))
  const [, api = ''] = await server.printed(/Listening on (\S+)/)
  await using worker = runCli(['worker', entry('working')], options(isServer ? database.url : url.href))
  await worker.printed(/Working on/)
  await follow(api, await createRun(api, 'endless'), /working/)

  fail(proxy, mute.port)
  const stopped = isServer ? server : worker
  const startedAt = performance.now()
  stopped.kill('SIGTERM')
  expect(await stopped.exited).toBe(0)
  expect(performance.now() - startedAt).toBeLessThan(SECONDS)
})
