// Who uses the chat page: visitors without an account, and what becomes of what they asked when they sign in.
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ChatScene } from './chat-scene.ts'
import { answer, isOfVite, openChat, ready } from './chat-scene.ts'

let scene: ChatScene
beforeAll(async () => {
  scene = await openChat({ people: 'visitors' })
})
afterAll(() => scene[Symbol.asyncDispose]())

/** A name that nobody has yet, also where a test is run again. */
let people = 0
const somebody = (name: string) => `${name} ${(people += 1)}`

const list = (page: Page) => page.getByRole('navigation', { name: 'Conversations' })

async function signIn(page: Page, name: string): Promise<void> {
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByLabel('Your name').fill(name)
  await page.keyboard.press('Enter')
  await page.locator('.account-name', { hasText: name }).waitFor()
}

test('a visitor who signs in keeps what was asked, and sees what they had before', async () => {
  await using chat = await scene.visit()
  const { page } = chat
  const ada = somebody('Ada Lovelace')
  await chat.send('What is 2 + 2?')
  await answer(page).waitFor()
  await ready(page)
  const text = await answer(page).textContent()
  await chat.picture('visitor')
  await signIn(page, ada)
  await page.getByText('One conversation came along with you.').waitFor()
  await page.locator('.account-name', { hasText: ada }).waitFor()
  await chat.picture('signed-in')
  // It is still the one that is open, and goes on.
  expect(await answer(page).textContent()).toBe(text)
  await chat.send('What is 3 + 3?')
  await page.locator('.message.assistant', { hasText: '6' }).waitFor()
  await ready(page)
  expect(await page.locator('.message').count()).toBe(4)
  expect(await page.getByRole('alert').count()).toBe(0)

  // Elsewhere, where she was a visitor too.
  await using other = await scene.visit()
  await other.send('What is 4 + 4?')
  await answer(other.page).waitFor()
  await ready(other.page)
  await signIn(other.page, ada)
  await list(other.page).getByRole('link', { name: 'What is 2 + 2?' }).waitFor()
  await list(other.page).getByRole('link', { name: 'What is 4 + 4?' }).waitFor()
  expect(await list(other.page).getByRole('link').count()).toBe(2)
})

test('nothing of who signed out stays on the page, and what is asked while an answer comes is theirs who ask', async () => {
  await using chat = await scene.visit()
  const { page } = chat
  const grace = somebody('Grace')
  await signIn(page, grace)
  const held = grace.replace(' ', '_')
  await chat.send(`How do I define an agent? hold ${held}`)
  await page.locator('[data-streaming=true]').waitFor()
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.locator('.account-name', { hasText: 'Visitor' }).waitFor()
  await page.getByText('What would you like to know?').waitFor()
  await page.getByText('Conversations appear here.').waitFor()
  expect(await page.locator('.message').count()).toBe(0)
  await chat.send('What is 5 + 5?')
  await page.locator('.message.assistant', { hasText: '10' }).waitFor()
  await scene.release(held)
  await signIn(page, grace)
  await list(page).getByRole('link', { name: 'How do I define an agent?' }).waitFor()
  await list(page).getByRole('link', { name: 'What is 5 + 5?' }).waitFor()
})

test('nothing of who signed out comes back, nor stays in another tab', async () => {
  await using chat = await scene.visit()
  const { page } = chat
  await signIn(page, somebody('Joan'))
  await chat.send('What is 6 + 6?')
  await page.locator('.message.assistant', { hasText: '12' }).waitFor()
  const other = await page.context().newPage()
  await other.routeWebSocket(isOfVite, () => {})
  await other.goto(page.url())
  await answer(other).waitFor()
  await other.getByLabel('Message', { exact: true }).fill('A draft of hers')
  await page.getByRole('button', { name: 'Sign out' }).click()
  for (const tab of [page, other]) {
    await tab.locator('.account-name', { hasText: 'Visitor' }).waitFor()
    await tab.getByText('What would you like to know?').waitFor()
    expect(await tab.getByLabel('Message', { exact: true }).inputValue()).toBe('')
  }
  await page.goBack()
  await page.getByRole('alert').first().waitFor()
  expect(await page.locator('.message').count()).toBe(0)
})

test('the dialog is reached and left by keyboard, and a name that is none is not taken', async () => {
  await using chat = await scene.visit()
  const { page } = chat
  const opener = page.getByRole('button', { name: 'Sign in' })
  await opener.focus()
  await page.keyboard.press('Enter')
  await page.locator('.sign-in-name:focus').waitFor()
  await page.keyboard.type('   ')
  await page.keyboard.press('Enter')
  expect(await page.getByRole('dialog', { name: 'Sign in' }).isVisible()).toBe(true)
  await chat.picture('sign-in')
  await page.keyboard.press('Escape')
  await page.getByRole('dialog', { name: 'Sign in' }).waitFor({ state: 'detached' })
  await expect.poll(() => opener.evaluate((button) => button === document.activeElement)).toBe(true)
})
