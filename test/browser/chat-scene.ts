// The chat page in a real browser, served by `agent-runtime dev`, over a network that can fail.
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import { chromium } from 'playwright-core'
import { expect } from 'vitest'
import type { Workspace } from '../support/cli.ts'
import { createWorkspace, serverModule, startDev } from '../support/cli.ts'
import type { CuttingProxy } from '../support/cutting-proxy.ts'
import { startCuttingProxy } from '../support/cutting-proxy.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const CHROMIUM = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium'
/** Where pictures go, for whoever wants to look at them. */
const { SCREENSHOTS } = process.env

/**
 * Slow enough that something can happen to an answer on its way. What a question says happens to its answer after a few words: "stumble"
 * has it fail once, "break down" for good, "hold NAME" has it wait until `release('NAME')`. "think" has the model reason first.
 */
const runtimeOf = (people: string) => `
import { existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { createAgentRuntime, createDemoModel, ModelError, textOf } from ${JSON.stringify(serverModule)}
import { assistant } from ${JSON.stringify(join(ROOT, 'examples/assistant/agent.ts'))}
import { authenticate } from ${JSON.stringify(join(ROOT, 'examples/assistant/sign-in.ts'))}
const demo = createDemoModel({ tokenDelayMs: 20 })
const stumbled = new Set()
const model = {
  ...demo,
  async *stream(request, signal) {
    const question = textOf(request.messages.findLast(({ role }) => role === 'user'))
    const stumbles = question.includes('stumble') && !stumbled.has(question)
    const held = /hold (\\w+)/.exec(question)?.[1]
    if (question.includes('think')) yield { type: 'reasoning', text: 'The person wants to know.' }
    let words = 0
    for await (const chunk of demo.stream(request, signal)) {
      yield chunk
      words += chunk.type === 'text' ? 1 : 0
      if (words < 8) continue
      while (held !== undefined && !existsSync(held)) await sleep(20, undefined, { signal })
      if (question.includes('break down')) throw new ModelError('Out of order, said the provider.', { retriable: false })
      if (!stumbles) continue
      stumbled.add(question)
      throw new ModelError('Overloaded, said the provider.', { retriable: true })
    }
  },
}
export default createAgentRuntime({ agents: [assistant], model, ${people} })
`

export interface Visit extends AsyncDisposable {
  page: Page
  send(text: string): Promise<void>
  picture(name: string): Promise<void>
}

export interface VisitOptions {
  width?: number
  colorScheme?: 'light' | 'dark'
  reducedMotion?: 'reduce'
}

export interface ChatScene extends AsyncDisposable {
  folder: Workspace
  proxy: CuttingProxy
  visit(options?: VisitOptions): Promise<Visit>
  /** Lets an answer go on that is held. */
  release(name: string): Promise<void>
}

/** @param options.people `visitors`: with an account or without one, as in the example. Default: all are the same one. */
export async function openChat({ people }: { people?: 'visitors' } = {}): Promise<ChatScene> {
  await using opening = new AsyncDisposableStack()
  const folder = opening.use(await createWorkspace())
  await folder.write(
    'runtime.ts',
    runtimeOf(people === 'visitors' ? 'anonymousSessions: true, authenticate' : ''),
  )
  const args = ['runtime.ts', '--port', '0', '--web', join(ROOT, 'examples/chat')]
  // Between two attempts there is time enough to be seen, also for a page that is slow.
  const env = { STREAM_KEEP_ALIVE_SECONDS: '1', RETRY_DELAY_SECONDS: '6' }
  const dev = opening.use(await startDev(args, { cwd: folder.path, env }))
  const proxy = opening.use(await startCuttingProxy(Number(new URL(dev.url).port)))
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  })
  opening.defer(() => browser.close())
  const stack = opening.move()

  return {
    folder,
    proxy,
    release: (name) => folder.write(name, ''),
    async visit({ width = 1200, ...options } = {}) {
      const context = await browser.newContext({
        viewport: { width, height: 800 },
        colorScheme: 'light',
        permissions: ['clipboard-read', 'clipboard-write'],
        ...options,
      })
      // For what hangs: a busy machine may take long.
      context.setDefaultTimeout(120_000)
      const page = await context.newPage()
      const faults: string[] = []
      page.on('pageerror', (error) => faults.push(error.message))
      // Vite reloads a page whose server was away; what the page itself does about that is what matters here.
      await page.routeWebSocket(isOfVite, () => {})
      await page.goto(proxy.url)
      return {
        page,
        async send(text) {
          await page.getByLabel('Message', { exact: true }).fill(text)
          await page.keyboard.press('Enter')
        },
        async picture(name) {
          if (SCREENSHOTS !== undefined) await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) })
        },
        async [Symbol.asyncDispose]() {
          await context.close()
          expect(faults).toEqual([])
        },
      }
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

export const isOfVite = (url: URL) => url.pathname === '/'

export const QUESTION = 'How do I define an agent?'
export const answers = (page: Page) => page.locator('.message.assistant:not(.thinking)')
export const answer = (page: Page) => answers(page).last()
export const streaming = (page: Page) => page.locator('[data-streaming=true]')
export const ready = (page: Page) => page.locator('.messages[aria-busy=false]').waitFor({ state: 'attached' })

/**
 * Waits until the answer is longer than `length`, and returns how long it is.
 *
 * Only of an answer that is held: others may be whole before a busy machine looks at the page.
 */
export async function grown(page: Page, length: number): Promise<number> {
  const seen = await page.waitForFunction((min) => {
    const text = document.querySelector('[data-streaming=true]')?.textContent ?? ''
    return text.length > min && text.length
  }, length)
  return Number(await seen.jsonValue())
}
