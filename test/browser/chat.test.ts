// What the chat page does with an answer, from the question to the history.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import type { ChatScene } from './chat-scene.ts'
import { QUESTION, answer, grown, isOfVite, openChat, ready, streaming } from './chat-scene.ts'
import { shareScene } from './shared-scene.ts'

let scene: ChatScene
shareScene(async () => (scene = await openChat()))

test('an answer streams in, and is in the history after', async () => {
  await using chat = await scene.visit()
  const { page } = chat
  await chat.picture('welcome')
  await chat.send(`${QUESTION} But hold begun.`)
  await page.locator('.message.user', { hasText: QUESTION }).waitFor()
  const begun = await grown(page, 0)
  await chat.picture('streaming')
  await scene.release('begun')
  await ready(page)
  await chat.picture('answered')
  const text = await answer(page).textContent()
  expect(text?.length).toBeGreaterThan(begun)
  expect(await page.locator('.message').count()).toBe(2)

  await page.reload()
  await answer(page).waitFor()
  expect(await answer(page).textContent()).toBe(text)
})

test('two tabs show one conversation: what is asked in one grows in the other, and is there once', async () => {
  await using chat = await scene.visit()
  const { page } = chat
  await chat.send('What is 2 * 3?')
  await answer(page).waitFor()
  await ready(page)
  const other = await page.context().newPage()
  await other.routeWebSocket(isOfVite, () => {})
  await other.goto(page.url())
  await answer(other).waitFor()
  await chat.send(`${QUESTION} But hold tabs.`)
  await other.locator('.message.user', { hasText: QUESTION }).waitFor()
  const begun = await grown(other, 0)
  await scene.release('tabs')
  await ready(page)
  const text = (await answer(page).textContent()) ?? ''
  expect(text.length).toBeGreaterThan(begun)
  for (const tab of [page, other]) {
    await streaming(tab).waitFor({ state: 'detached' })
    expect(await tab.locator('.message').count()).toBe(4)
    expect(await answer(tab).textContent()).toBe(text)
  }
})

test('Escape stops an answer and leaves what there is of it', async () => {
  await using chat = await scene.visit()
  const { page } = chat
  await chat.send(`${QUESTION} But hold escape.`)
  const before = await grown(page, 0)
  await page.keyboard.press('Escape')
  await page.getByText('Stopped.').waitFor()
  await ready(page)
  await chat.picture('stopped')
  expect((await answer(page).textContent())?.length).toBeGreaterThanOrEqual(before)
})

test('Shift+Enter begins a line, Enter sends, and the cursor stays', async () => {
  await using chat = await scene.visit()
  const { page } = chat
  await page.locator('textarea:focus').waitFor()
  await page.keyboard.type('Hello')
  await page.keyboard.press('Shift+Enter')
  await page.keyboard.type('there')
  await page.keyboard.press('Enter')
  await page.locator('.message.user').waitFor()
  expect(await page.locator('.message.user').textContent()).toBe('Hello\nthere')
  await ready(page)
  await page.keyboard.type('Next')
  expect(await page.getByLabel('Message', { exact: true }).inputValue()).toBe('Next')
})

test('a page is busy from the question to the end of its answer, however late it reads the conversation', async () => {
  await using chat = await scene.visit()
  const { page } = chat
  const looked = Promise.withResolvers<void>()
  await page.route(/conversations\.get/, async (route) => {
    await looked.promise
    await route.continue()
  })
  await chat.send('What is 2 + 2? hold busy')
  await page.getByRole('navigation').getByRole('link').first().waitFor()
  expect(await page.locator('.messages[aria-busy=false]').count()).toBe(0)
  looked.resolve()
  await scene.release('busy')
  await ready(page)
  expect(await answer(page).textContent()).toContain('4')
})

test('the first question of a conversation is there at once, and stays in sight, once', async () => {
  await using chat = await scene.visit()
  const { page } = chat
  const creating = Promise.withResolvers<void>()
  await page.route(/runs\.create/, async (route) => {
    await creating.promise
    await route.continue()
  })
  await chat.send('What is 2 + 2?')
  await page.locator('.message.user', { hasText: '2 + 2' }).waitFor()
  await page.evaluate(() => {
    const counts = new Set<number>()
    const count = () => counts.add(document.querySelectorAll('.message.user').length)
    new MutationObserver(count).observe(document.body, { childList: true, subtree: true })
    Object.assign(globalThis, { counts })
  })
  creating.resolve()
  await answer(page).waitFor()
  await ready(page)
  expect(await page.evaluate(() => [...(globalThis as unknown as { counts: Set<number> }).counts])).toEqual([
    1,
  ])
})

test('conversations are kept apart, also while one is being answered', async () => {
  await using chat = await scene.visit()
  const { page } = chat
  const open = (title: string) =>
    page.getByRole('navigation').getByRole('link', { name: title }).first().click()
  const first = `${QUESTION} First, but hold apart.`
  await chat.send(first)
  await grown(page, 0)
  await page.getByRole('button', { name: 'New conversation' }).click()
  await page.getByText('What would you like to know?').waitFor()
  expect(await page.locator('.message').count()).toBe(0)
  await chat.send('What is 2 + 2?')
  await ready(page)
  expect(await answer(page).textContent()).toContain('4')
  await open(first)
  await page.locator('.message.user', { hasText: 'First' }).waitFor()
  await grown(page, 0)
  await scene.release('apart')
  await ready(page)
  expect(await page.locator('.message.user').count()).toBe(1)
  await open('What is 2 + 2?')
  await page.locator('.message.user', { hasText: '2 + 2' }).waitFor()
  expect(await page.locator('.message').count()).toBe(2)
})

test('a question that can not be sent is given back with the reason', async () => {
  await using chat = await scene.visit()
  const { page } = chat
  scene.proxy.refuse(true)
  scene.proxy.cut()
  await chat.send(QUESTION)
  await page.getByRole('alert').first().waitFor()
  await chat.picture('refused')
  expect(await page.getByLabel('Message', { exact: true }).inputValue()).toBe(QUESTION)
  scene.proxy.refuse(false)
  await page.keyboard.press('Enter')
  await answer(page).waitFor()
  expect(await page.locator('.error').count()).toBe(0)
})

const asked = (page: Page) => page.getByRole('group', { name: 'Allow save_note?' })
const notes = () => readFile(join(scene.folder.path, '.agent-runtime/notes.md'), 'utf8').catch(() => '')

test('a note is saved once it is allowed, by keyboard and after a reload', async () => {
  await using chat = await scene.visit()
  const { page } = chat
  await chat.send('Save a note: buy milk, 2 bottles')
  await asked(page).getByText('buy milk, 2 bottles').waitFor()
  await page.getByText('Waiting for you').waitFor()
  // Whoever types on does not allow anything by it.
  expect(await page.locator('textarea:focus').count()).toBe(1)
  await chat.picture('approval')

  await page.reload()
  await asked(page).waitFor()
  expect(await notes()).not.toContain('buy milk')
  await page.locator('textarea:focus').waitFor()
  await page.keyboard.press('Shift+Tab')
  await page.keyboard.press('Shift+Tab')
  expect(await page.locator(':focus').textContent()).toBe('Allow')
  await page.keyboard.press('Enter')
  await asked(page).waitFor({ state: 'detached' })
  await page.locator('textarea:focus').waitFor()
  await answer(page).getByText('.agent-runtime/notes.md').waitFor()
  await ready(page)
  await chat.picture('allowed')
  expect(await notes()).toContain('buy milk, 2 bottles\n')

  await page.reload()
  await answer(page).waitFor()
  expect(await asked(page).count()).toBe(0)
})

test('a note that is not allowed is not saved, and the agent goes on', async () => {
  await using chat = await scene.visit({ width: 380, colorScheme: 'dark' })
  const { page } = chat
  await chat.send('Save a note: sell the house')
  await asked(page).waitFor()
  await chat.picture('approval-narrow-dark')
  await asked(page).getByRole('button', { name: "Don't allow" }).click()
  await asked(page).waitFor({ state: 'detached' })
  await answer(page).getByText('The call was denied.').waitFor()
  await ready(page)
  expect(await notes()).not.toContain('sell the house')
})
