// An answer of ten thousand deltas, as a page shows it with the hook.
import { chromium } from 'playwright-core'
import { expect, test } from 'vitest'
import { createWorkspace, serverModule, startDev, webFixture } from '../support/cli.ts'
import { createRun } from '../support/rest.ts'

const DELTAS = 10_000
const word = (n: number) => `word${n} `

test('ten thousand deltas are shown a frame at a time, whole, and the page stays usable', async ({
  annotate,
}) => {
  await using folder = await createWorkspace()
  await folder.write(
    'runtime.ts',
    `import { existsSync } from 'node:fs'
     import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
     import { createAgentRuntime, defineAgent } from ${JSON.stringify(serverModule)}
     const long = defineAgent({
       key: 'long',
       async run(ctx) {
         let content = ''
         for (let n = 0; n < ${DELTAS}; n += 1) {
           const piece = 'word' + n + ' '
           content += piece
           await ctx.emit('assistant.delta', { messageId: 'm', content: piece })
           // As fast as it goes, in pieces that are told apart.
           if (n % 5 === 0) await turn()
           while (n === ${DELTAS / 2} && !existsSync('seen')) await sleep(20)
         }
         await ctx.emit('assistant.message', { messageId: 'm', content })
       },
     })
     export default createAgentRuntime({ agents: [long] })`,
  )
  await using dev = await startDev(['--port', '0', '--web', webFixture], { cwd: folder.path })
  const browser = await chromium.launch({
    executablePath: process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium',
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  })
  try {
    const page = await browser.newPage()
    page.setDefaultTimeout(120_000)
    const begun = Date.now()
    await page.goto(`${dev.url}/answer.html?run=${await createRun(dev.url, 'long')}`)
    // The page may be slow to come. It has to see the answer grow, not only its end.
    await page.getByText(word(DELTAS / 2)).waitFor()
    await folder.write('seen', '')
    await page.locator('[data-status=succeeded]').waitFor({ state: 'attached' })
    const frames = (Date.now() - begun) / 16
    const shown = await page.locator('#root').evaluate(({ textContent, dataset }) => ({
      text: textContent,
      commits: dataset['commits'],
      longest: dataset['longest'],
      blocked: dataset['blocked'],
    }))
    const { text, commits, longest, blocked } = shown as Record<string, string | undefined>
    expect(text).toBe(Array.from({ length: DELTAS }, (_, n) => word(n)).join(''))
    await annotate(
      `${DELTAS} deltas: ${commits} commits, longest task ${longest} ms, blocked for ${blocked} ms`,
    )
    expect(Number(commits)).toBeLessThan(frames + 10)
    expect(Number(commits)).toBeGreaterThan(2)
  } finally {
    await browser.close()
  }
})
