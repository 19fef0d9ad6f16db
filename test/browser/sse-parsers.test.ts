// Three parsers of server-sent events, made by different people, read the same of a stream: Chromium's, one of Python's standard
// library alone, and the package that our own client uses. And the page without a build step, which is an example.
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { EventSource } from 'eventsource'
import type { Browser } from 'playwright-core'
import { chromium } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createWorkspace, serverModule, startDev } from '../support/cli.ts'

const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url))
const stack = new AsyncDisposableStack()
let browser: Browser
let url: string

interface Frame {
  id: string
  event: string
  data: string
}

beforeAll(async () => {
  const folder = stack.use(await createWorkspace())
  // Lines of every kind, colons, what looks like a field, characters outside of the plane, and the byte order mark.
  await folder.write(
    'runtime.ts',
    `import { createAgentRuntime, defineAgent } from ${JSON.stringify(serverModule)}
     const texts = ['a\\nb', 'a\\r\\nb', 'a\\rb', 'data: x\\n\\nid: 9', ': comment', '\\ufeffx', '💥 ✓ é', '', '\\u2028\\u2029\\u0085', ' x ']
     const odd = defineAgent({
       key: 'odd',
       async run(ctx) {
         for (const text of texts) await ctx.emitMessage(text)
         return { output: texts }
       },
     })
     export default createAgentRuntime({ agents: [odd] })`,
  )
  const dev = stack.use(await startDev(['--port', '0'], { cwd: folder.path }))
  const page = await readFile(`${EXAMPLES}/page/index.html`)
  const proxy = createServer((request, response) => {
    if (request.url?.startsWith('/page') === true)
      return void response.setHeader('content-type', 'text/html').end(page)
    void (async () => {
      const body = request.method === 'POST' ? await new Response(request as never).text() : undefined
      const answer = await fetch(new URL(request.url ?? '/', dev.url), {
        method: request.method ?? 'GET',
        headers: { 'content-type': 'application/json', accept: request.headers.accept ?? '*/*' },
        ...(body !== undefined && { body }),
      })
      response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' })
      for await (const chunk of answer.body ?? []) response.write(chunk)
      response.end()
    })()
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  stack.defer(() => void proxy.close())
  stack.defer(() => proxy.closeAllConnections())
  url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
  browser = await chromium.launch({
    executablePath: process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  })
  stack.defer(() => browser.close())
})

afterAll(() => stack.disposeAsync())

const TYPES = ['run.started', 'run.heartbeat', 'assistant.message', 'run.succeeded']

async function byPackage(stream: string): Promise<Frame[]> {
  const source = new EventSource(stream)
  const frames: Frame[] = []
  await new Promise((resolve) => {
    for (const type of TYPES) {
      source.addEventListener(type, ({ lastEventId: id, data }) => {
        frames.push({ id, event: type, data })
        if (type === 'run.succeeded') resolve(source.close())
      })
    }
  })
  return frames
}

test('Chromium, Python and the package agree on each frame', async () => {
  const api = `${url}/api/agents`
  const { stdout } = await promisify(execFile)('python3', [
    `${EXAMPLES}/python/ask.py`,
    '--events',
    api,
    'odd',
    'Hi',
  ])
  const byPython = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Frame)
  expect(byPython).toHaveLength(12)
  const { run_id } = JSON.parse(byPython[0]?.data ?? '') as { run_id: string }
  const stream = `${api}/runs/${run_id}/events/?include_all=true`
  expect(await byPackage(stream)).toEqual(byPython)
  const page = await browser.newPage()
  page.setDefaultTimeout(120_000)
  await page.goto(`${url}/page`)
  const byChromium = await page.evaluate(
    ([asked, types]) =>
      new Promise<Frame[]>((resolve) => {
        const source = new window.EventSource(asked)
        const frames: Frame[] = []
        for (const type of types) {
          source.addEventListener(type, ({ lastEventId: id, data }) => {
            frames.push({ id, event: type, data })
            if (type === 'run.succeeded') {
              source.close()
              resolve(frames)
            }
          })
        }
      }),
    [stream, TYPES] as const,
  )
  expect(byChromium).toEqual(byPython)
})

test('a page without a build step asks and shows the answer', async () => {
  const page = await browser.newPage()
  page.setDefaultTimeout(120_000)
  await page.goto(`${url}/page?agent=odd`)
  await page.getByLabel('Question').fill('What is odd?')
  await page.keyboard.press('Enter')
  await page.locator('#answer[data-done]').waitFor()
  expect(await page.locator('#answer').textContent()).toContain('💥 ✓ é')
  await page.goto(`${url}/page?agent=nobody`)
  await page.getByLabel('Question').fill('Who?')
  await page.keyboard.press('Enter')
  await page.getByText('There is no agent').waitFor()
})
