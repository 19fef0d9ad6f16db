// What can be done with messages: copied, edited, answered again, queued, sent with files; and what is shown of how an answer came to be.
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import type { ChatScene } from './chat-scene.ts'
import { QUESTION, answer, grown, openChat, ready } from './chat-scene.ts'
import { shareScene } from './shared-scene.ts'

let scene: ChatScene
shareScene(async () => (scene = await openChat()))

const questions = (page: Page) => page.locator('.message.user')
const copied = (page: Page) => page.evaluate(() => navigator.clipboard.readText())

test('a question, an answer and its code are copied', async () => {
  await using chat = await scene.visit()
  const { page } = chat
  await chat.send(QUESTION)
  await answer(page).waitFor()
  await ready(page)
  await page.locator('.question').getByRole('button', { name: 'Copy' }).click()
  await page.getByRole('button', { name: 'Copied' }).waitFor()
  expect(await copied(page)).toBe(QUESTION)
  await page.getByRole('button', { name: 'Copy code' }).first().click()
  await expect.poll(() => copied(page)).toMatch(/^import \{ defineAgent }.*\}\)$/s)
  await page.locator('.answer .actions').getByRole('button', { name: 'Copy' }).click()
  await expect.poll(() => copied(page)).toMatch(/^An agent is .*```ts\nimport/s)
})

test('a question is edited in place, and each version is reached by keyboard', async () => {
  await using chat = await scene.visit()
  const { page } = chat
  await chat.send('What is 2 + 2?')
  await answer(page).getByText('2 + 2 is 4.').waitFor()
  await ready(page)
  const edit = page.getByRole('button', { name: 'Edit' })
  await edit.focus()
  await page.keyboard.press('Enter')
  await page.getByLabel('Edit message').fill('What is 3 + 3?')
  await chat.picture('editing')
  await page.keyboard.press('Escape')
  await page.getByLabel('Edit message').waitFor({ state: 'detached' })
  expect(await questions(page).allTextContents()).toEqual(['What is 2 + 2?'])
  expect(await page.locator(':focus').getAttribute('aria-label')).toBe('Edit')

  await page.keyboard.press('Enter')
  await page.getByLabel('Edit message').fill('What is 3 + 3?')
  await page.keyboard.press('Enter')
  await answer(page).getByText('3 + 3 is 6.').waitFor()
  await ready(page)
  expect(await questions(page).allTextContents()).toEqual(['What is 3 + 3?'])
  await page.getByText('2/2').waitFor()
  await chat.picture('edited')
  await page.getByRole('button', { name: 'Version before' }).focus()
  await page.keyboard.press('Enter')
  await answer(page).getByText('2 + 2 is 4.').waitFor()
  expect(await questions(page).allTextContents()).toEqual(['What is 2 + 2?'])
  await page.getByText('1/2').waitFor()
  // Where it was, so that the keyboard can go on.
  expect(await page.locator(':focus').getAttribute('aria-label')).toBe('Version before')
  await page.reload()
  await page.getByText('1/2').waitFor()
})

test('an answer is given again, and the one before is kept beside it', async () => {
  await using chat = await scene.visit()
  const { page } = chat
  await chat.send('What is 5 * 5?')
  await answer(page).getByText('5 * 5 is 25.').waitFor()
  await ready(page)
  await page.getByRole('button', { name: 'Answer again' }).click()
  await page.locator('.answer').getByText('2/2').waitFor()
  await ready(page)
  await answer(page).getByText('5 * 5 is 25.').waitFor()
  expect(await questions(page).count()).toBe(1)
  await page.locator('.answer').getByRole('button', { name: 'Version before' }).click()
  await page.locator('.answer').getByText('1/2').waitFor()
  expect(await page.locator('.message').count()).toBe(2)
})

test('an answer that fails keeps what there is of it, and says so, also after a reload', async () => {
  await using chat = await scene.visit()
  const { page } = chat
  await chat.send(`${QUESTION} Then break down.`)
  const isTold = async () => {
    await page.getByText('This answer was broken off.').waitFor()
    await page.getByText('The answer failed.').waitFor()
    await page.getByRole('alert').getByText('Out of order, said the provider.').waitFor()
    await ready(page)
    expect(await answer(page).textContent()).toMatch(/^An agent is a key/)
  }
  await isTold()
  await chat.picture('failed')
  await page.reload()
  await isTold()
})

test('what is asked meanwhile waits in sight, is dropped or asked next; and the answer can be stopped', async () => {
  await using chat = await scene.visit()
  const { page } = chat
  const waiting = page.getByRole('list', { name: 'Asked next' })
  await chat.send(`${QUESTION} But hold queue.`)
  await grown(page, 0)
  await chat.send('What is 6 * 6?')
  await waiting.getByText('What is 6 * 6?').waitFor()
  await chat.send('What is 7 * 7?')
  await waiting.getByText('What is 7 * 7?').waitFor()
  await page.getByRole('button', { name: 'Stop' }).waitFor()
  await chat.picture('queued')
  expect(await questions(page).count()).toBe(1)
  await page.getByRole('button', { name: 'Drop “What is 6 * 6?”' }).click()
  await waiting.getByText('What is 6 * 6?').waitFor({ state: 'detached' })

  // It waits as well for who comes later.
  await page.reload()
  await waiting.getByText('What is 7 * 7?').waitFor()
  expect(await waiting.getByRole('listitem').count()).toBe(1)
  await page.getByRole('button', { name: 'Stop' }).click()
  await answer(page).getByText('7 * 7 is 49.').waitFor()
  await ready(page)
  await page.getByText('This answer was broken off.').waitFor()
  expect(await questions(page).allTextContents()).toEqual([`${QUESTION} But hold queue.`, 'What is 7 * 7?'])
  expect(await waiting.count()).toBe(0)
})

test('an answer is never shown with marks that are still open', async () => {
  await using chat = await scene.visit()
  const { page } = chat
  await page.evaluate(() => {
    const seen: string[] = []
    new MutationObserver(() => {
      const text = [...document.querySelectorAll('.message.assistant')].map((one) => one.textContent).join('')
      if (/\*\*|```/.test(text)) seen.push(text)
    }).observe(document.body, { subtree: true, childList: true, characterData: true })
    Object.assign(globalThis, { seen })
  })
  await chat.send(QUESTION)
  await answer(page).waitFor()
  await ready(page)
  expect(await answer(page).locator('strong').count()).toBeGreaterThan(0)
  expect(await page.evaluate(() => (globalThis as unknown as { seen: string[] }).seen)).toEqual([])
})

test('what the agent thought and called is folded, with how it went', async () => {
  await using chat = await scene.visit()
  const { page } = chat
  await chat.send('What is 17% of 2340? Do think, but hold thoughts.')
  const steps = ['Reasoning done', 'calculator done', 'search_docs done', 'Reasoning done']
  const summaries = page.locator('.tool-step summary')
  // While the answer is written.
  await summaries.nth(3).waitFor()
  await page.getByRole('button', { name: 'Stop' }).waitFor()
  expect((await summaries.allTextContents()).slice(0, 3)).toEqual(steps.slice(0, 3))
  await chat.picture('steps-live')
  await scene.release('thoughts')
  await answer(page).getByText('397.8').waitFor()
  const isShown = async () => {
    await ready(page)
    const call = page.locator('.tool-step', { hasText: 'calculator' })
    expect(await call.locator('summary').textContent()).toBe('calculator done')
    expect(await call.getByText('17 / 100 * 2340').count()).toBe(2)
    expect(await call.getByText('17 / 100 * 2340').first().isVisible()).toBe(false)
    await call.locator('summary').click()
    await call.getByText('397.8').waitFor()
  }
  await isShown()
  const isThought = async () => {
    expect(await summaries.allTextContents()).toEqual(steps)
    const thought = page.locator('.tool-step', { hasText: 'Reasoning' }).first()
    await thought.locator('summary').click()
    await thought.getByText('The person wants to know.').waitFor()
  }
  await isThought()
  await chat.picture('steps')
  await page.reload()
  await isShown()
  await isThought()

  await chat.send('What time is it in Gotham City?')
  await page.getByText('current_time failed').waitFor()
})

test('files are chosen or dropped, sent along, and in the history', async () => {
  await using chat = await scene.visit()
  const { page } = chat
  const attached = page.getByRole('list', { name: 'Attached files' })
  const file = { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('Buy milk.') }
  await page.getByLabel('Files', { exact: true }).setInputFiles([file, { ...file, name: 'other.txt' }])
  await attached.getByText('notes.txt').waitFor()
  await page.getByRole('button', { name: 'Remove other.txt' }).click()
  const held = await page.evaluateHandle(() => {
    const data = new DataTransfer()
    data.items.add(new File(['Buy bread.'], 'dropped.txt', { type: 'text/plain' }))
    return data
  })
  await page.dispatchEvent('body', 'drop', { dataTransfer: held })
  await attached.getByText('dropped.txt').waitFor()
  await page.locator('.file-chip[data-state=ready]').nth(1).waitFor()
  await chat.picture('attached')
  await chat.send('What is 1 + 1?')
  await answer(page).getByText('1 + 1 is 2.').waitFor()
  await ready(page)
  expect(await attached.count()).toBe(0)
  await page.reload()
  const sent = page.locator('.question .file-chip')
  await sent.nth(1).waitFor()
  expect(await sent.allTextContents()).toEqual(['notes.txt', 'dropped.txt'])
  await chat.picture('files')
  const url = await sent.first().getByRole('link').getAttribute('href')
  const response = await page.request.get(new URL(url ?? '', page.url()).href)
  expect(await response.text()).toBe('Buy milk.')
})

test('the page says when the demo model answers', async () => {
  await using chat = await scene.visit()
  const badge = chat.page.getByText('Demo model')
  await badge.waitFor()
  expect(await badge.getAttribute('title')).toContain('no language model')
})
