// The page of the API in a browser, behind a proxy that puts it below a path and says so to nobody.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser, Page } from 'playwright-core'
import { chromium } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createWorkspace, serverModule, startDev } from '../support/cli.ts'

const stack = new AsyncDisposableStack()
let browser: Browser
let url: string

beforeAll(async () => {
  const folder = stack.use(await createWorkspace())
  await folder.write(
    'runtime.ts',
    `import { createAgentRuntime, defineAgent } from ${JSON.stringify(serverModule)}
     export default createAgentRuntime({ agents: [defineAgent({ key: 'echo', run: async () => ({ output: 'done' }) })] })`,
  )
  const dev = stack.use(await startDev(['--port', '0'], { cwd: folder.path }))
  const proxy = createServer((request, response) => {
    const path = request.url?.replace(/^\/below\/here/, '') ?? '/'
    void fetch(new URL(path, dev.url), {
      method: request.method ?? 'GET',
      redirect: 'manual',
      headers: { 'content-type': 'application/json' },
    }).then(async (answer) => {
      const { 'content-encoding': _, ...headers } = Object.fromEntries(answer.headers)
      response.writeHead(answer.status, headers).end(Buffer.from(await answer.arrayBuffer()))
    })
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  stack.defer(() => void proxy.close())
  url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}/below/here`
  browser = await chromium.launch({
    executablePath: process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  })
  stack.defer(() => browser.close())
})

afterAll(() => stack.disposeAsync())

/** Opens the page. What it asks others for, or what its policy refuses it, fails the test. */
async function open(colorScheme: 'light' | 'dark'): Promise<{ page: Page; complaints: string[] }> {
  const page = await browser.newPage({ colorScheme, viewport: { width: 1280, height: 1400 } })
  page.setDefaultTimeout(120_000)
  const complaints: string[] = []
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
  page.on('request', (request) => {
    const asked = request.url()
    if (!asked.startsWith(url) && !asked.startsWith('data:')) complaints.push(`it asks ${asked}`)
  })
  await page.goto(`${url}/docs`)
  await page.getByText('Create a run', { exact: true }).waitFor()
  const folder = process.env['SCREENSHOTS']
  if (folder !== undefined) await page.screenshot({ path: `${folder}/docs-${colorScheme}.png` })
  return { page, complaints }
}

const brightness = (page: Page) =>
  page.evaluate(() => {
    const [red = 255] = getComputedStyle(document.body).backgroundColor.match(/\d+/g)?.map(Number) ?? []
    return getComputedStyle(document.body).backgroundColor === 'rgba(0, 0, 0, 0)' ? 255 : red
  })

test('lists what there is, and loads nothing from elsewhere', async () => {
  const { page, complaints } = await open('light')
  expect(await page.locator('.opblock').count()).toBeGreaterThan(30)
  expect(await brightness(page)).toBe(255)
  expect(complaints).toEqual([])
})

test('is dark for who wants that', async () => {
  const { page, complaints } = await open('dark')
  expect(await brightness(page)).toBeLessThan(60)
  expect(complaints).toEqual([])
})

test('asks the API, by the keyboard alone', async () => {
  const { page, complaints } = await open('light')
  const operation = page.locator('#operations-agents-listAgents')
  await operation.locator('.opblock-summary-control').focus()
  await page.keyboard.press('Enter')
  const execute = operation.getByRole('button', { name: 'Execute' })
  await execute.waitFor()
  await execute.focus()
  await page.keyboard.press('Enter')
  await operation.locator('.live-responses-table .microlight', { hasText: '"echo"' }).first().waitFor()
  expect(complaints).toEqual([])
})
