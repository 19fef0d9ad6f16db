// A page with more runs than a browser has connections to a server.
import type { Browser, WebSocket } from 'playwright-core'
import { chromium } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createWorkspace, serverModule, startDev, webFixture } from '../support/cli.ts'
import type { CliProcess } from '../support/cli.ts'
import type { CuttingProxy } from '../support/cutting-proxy.ts'
import { startCuttingProxy } from '../support/cutting-proxy.ts'
import { createRun } from '../support/rest.ts'

const RUNS = 12
const stack = new AsyncDisposableStack()
let browser: Browser
let proxy: CuttingProxy
let dev: CliProcess & { url: string }
let release: () => Promise<void>

beforeAll(async () => {
  const folder = stack.use(await createWorkspace())
  await folder.write(
    'runtime.ts',
    `import { existsSync } from 'node:fs'
     import { setTimeout as sleep } from 'node:timers/promises'
     import { createAgentRuntime, defineAgent } from ${JSON.stringify(serverModule)}
     const held = defineAgent({
       key: 'held',
       async run(ctx) {
         await ctx.emit('assistant.delta', { messageId: 'm', content: 'begun' })
         while (!existsSync('go')) await sleep(20, undefined, { signal: ctx.signal })
         await ctx.emit('assistant.message', { messageId: 'm', content: 'begun and ended' })
       },
     })
     export default createAgentRuntime({ agents: [held] })`,
  )
  release = () => folder.write('go', '')
  dev = stack.use(await startDev(['--port', '0', '--web', webFixture], { cwd: folder.path }))
  proxy = stack.use(await startCuttingProxy(Number(new URL(dev.url).port)))
  browser = await chromium.launch({
    executablePath: process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  })
  stack.defer(() => browser.close())
})

afterAll(() => stack.disposeAsync())

test('follows them all over one socket, over a lost connection too', async () => {
  const runs = await Promise.all(Array.from({ length: RUNS }, () => createRun(dev.url, 'held')))
  const page = await browser.newPage()
  const sockets: WebSocket[] = []
  page.on('websocket', (socket) => {
    if (new URL(socket.url()).pathname === '/trpc') sockets.push(socket)
  })
  // Vite reloads a page whose server was away; what the page itself does about that is what matters here.
  await page.routeWebSocket(
    ({ pathname }) => pathname === '/',
    () => {},
  )
  const all = (selector: string) =>
    page.waitForFunction(([wanted, count]) => document.querySelectorAll(wanted).length === count, [
      selector,
      RUNS,
    ] as const)
  await page.goto(`${proxy.url}/following.html?${runs.map((id) => `run=${id}`).join('&')}`)
  await all('[data-text="begun"]')
  await page.locator(`[data-listed="${RUNS}"]`).waitFor({ state: 'attached' })
  expect(sockets).toHaveLength(1)

  proxy.cut()
  await release()
  await all('[data-text="begun and ended"][data-status=succeeded]')
  expect(sockets).toHaveLength(2)
  await expect.poll(() => sockets.every((socket) => socket.isClosed())).toBe(true)
})
