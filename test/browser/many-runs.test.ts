// A page with more runs than a browser has connections to a server.
import type { Browser, Page, WebSocket } from 'playwright-core'
import { chromium } from 'playwright-core'
import { expect, test } from 'vitest'
import { createWorkspace, serverModule, startDev, webFixture } from '../support/cli.ts'
import type { CliProcess } from '../support/cli.ts'
import type { CuttingProxy } from '../support/cutting-proxy.ts'
import { startCuttingProxy } from '../support/cutting-proxy.ts'
import { createRun } from '../support/rest.ts'
import { shareScene } from './shared-scene.ts'

const RUNS = 30
const MORE = 200
let browser: Browser
let proxy: CuttingProxy
let dev: CliProcess & { url: string }
let release: () => Promise<void>

shareScene(async () => {
  await using opening = new AsyncDisposableStack()
  const folder = opening.use(await createWorkspace())
  await folder.write(
    'runtime.ts',
    `import { existsSync } from 'node:fs'
     import { setTimeout as sleep } from 'node:timers/promises'
     import { createAgentRuntime, defineAgent } from ${JSON.stringify(serverModule)}
     let go
     const released = () => (go ??= (async () => { while (!existsSync('go')) await sleep(20) })())
     const held = defineAgent({
       key: 'held',
       async run(ctx) {
         await ctx.emit('assistant.delta', { messageId: 'm', content: 'begun' })
         await Promise.race([released(), new Promise((_, reject) => ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason)))])
         await ctx.emit('assistant.message', { messageId: 'm', content: 'begun and ended' })
       },
     })
     export default createAgentRuntime({ agents: [held], config: { concurrency: ${MORE + 2 * RUNS} } })`,
  )
  release = () => folder.write('go', '')
  dev = opening.use(await startDev(['--port', '0', '--web', webFixture], { cwd: folder.path }))
  proxy = opening.use(await startCuttingProxy(Number(new URL(dev.url).port)))
  browser = await chromium.launch({
    executablePath: process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  })
  opening.defer(() => browser.close())
  return opening.move()
})

async function open(runIds: readonly string[], onSocket = () => {}) {
  const page = await browser.newPage()
  page.setDefaultTimeout(120_000)
  const sockets: WebSocket[] = []
  page.on('websocket', (socket) => {
    if (new URL(socket.url()).pathname !== '/trpc') return
    sockets.push(socket)
    socket.once('close', onSocket)
  })
  // Vite reloads a page whose server was away; what the page itself does about that is what matters here.
  await page.routeWebSocket(
    ({ pathname }) => pathname === '/',
    () => {},
  )
  const all = (selector: string) =>
    page
      .waitForFunction(([wanted, count]) => document.querySelectorAll(wanted).length === count, [
        selector,
        runIds.length,
      ] as const)
      .catch(async (error: unknown) => {
        const shown = await page.locator(selector).count()
        throw new Error(`${shown} of ${runIds.length} runs show ${selector}`, { cause: error })
      })
  await page.goto(`${proxy.url}/following.html?${runIds.map((id) => `run=${id}`).join('&')}`)
  await all('[data-text="begun"]')
  return { page, sockets, all }
}

const createRuns = (count: number) =>
  Promise.all(Array.from({ length: count }, () => createRun(dev.url, 'held')))

test('200 runs take little memory, and one socket', async ({ annotate }) => {
  const runs = await createRuns(MORE)
  const [one, many] = [await open(runs.slice(0, 1)), await open(runs)]
  const bytesOf = async (page: Page) => {
    const session = await page.context().newCDPSession(page)
    await session.send('HeapProfiler.collectGarbage')
    return (await session.send('Runtime.getHeapUsage')).usedSize
  }
  const [alone, together] = [await bytesOf(one.page), await bytesOf(many.page)]
  await annotate(`a page with one run: ${kib(alone)}; with ${MORE}: ${kib(together)}`)
  expect(many.sockets.filter(isOpen)).toHaveLength(1)
  expect((together - alone) / MORE).toBeLessThan(50 * 1024)
  await Promise.all([one.page.close(), many.page.close()])
})

const isOpen = (socket: WebSocket) => !socket.isClosed()

const kib = (bytes: number) => `${Math.round(bytes / 1024)} KiB`

test('follows them all when the first socket does not open in time', async () => {
  proxy.stallSockets('/trpc')
  const runs = await createRuns(RUNS)
  const { page, sockets } = await open(runs, () => proxy.stallSockets(null))
  await page.locator('[data-listed]').waitFor({ state: 'attached' })
  expect(sockets.length).toBeGreaterThan(1)
  await expect.poll(() => sockets.filter(isOpen)).toHaveLength(1)
  await page.close()
})

test('follows them all over one socket, over a lost connection too', async () => {
  const runs = await createRuns(RUNS)
  const { page, sockets, all } = await open(runs)
  await page.locator('[data-listed]').waitFor({ state: 'attached' })
  expect(sockets).toHaveLength(1)

  proxy.cut()
  await release()
  await all('[data-text="begun and ended"][data-status=succeeded]')
  expect(sockets).toHaveLength(2)
  await expect.poll(() => sockets.every((socket) => socket.isClosed())).toBe(true)
})
