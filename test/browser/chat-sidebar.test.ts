// The list of conversations beside the chat: found, renamed, deleted, and reached by keyboard.
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import type { ChatScene } from './chat-scene.ts'
import { openChat } from './chat-scene.ts'
import { shareScene } from './shared-scene.ts'

let scene: ChatScene
shareScene(async () => (scene = await openChat()))

const NARROW = 390
const list = (page: Page) => page.getByRole('navigation', { name: 'Conversations' })
const link = (page: Page, title: string) => list(page).getByRole('link', { name: title })
const focused = (page: Page) => page.locator(':focus')

async function makeConversations(titles: readonly string[]): Promise<void> {
  for (const title of titles) {
    const response = await fetch(`${scene.proxy.url}/api/agents/conversations/`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ title, agent_key: 'assistant' }),
    })
    expect(response.status).toBe(201)
  }
}

test('a conversation tells how old it is, and is renamed in place', async () => {
  await makeConversations(['Rename me'])
  await using chat = await scene.visit()
  const { page } = chat
  await link(page, 'Rename me').getByText('just now').waitFor()
  const rename = page.getByRole('button', { name: 'Rename “Rename me”' })
  await rename.focus()
  await page.keyboard.press('Enter')
  await page.getByLabel('Title').waitFor()
  await page.keyboard.type('Never saved')
  await chat.picture('renaming')
  await page.keyboard.press('Escape')
  await link(page, 'Rename me').waitFor()
  expect(await focused(page).getAttribute('aria-label')).toBe('Rename “Rename me”')

  await page.keyboard.press('Enter')
  await page.keyboard.type('A better name')
  await page.keyboard.press('Enter')
  await link(page, 'A better name').waitFor()
  await page.reload()
  await link(page, 'A better name').waitFor()
  expect(await link(page, 'Rename me').count()).toBe(0)
})

test('a conversation is deleted once that is confirmed, by keyboard too', async () => {
  await makeConversations(['Keep me', 'Delete me'])
  await using chat = await scene.visit()
  const { page } = chat
  await link(page, 'Delete me').click()
  await page.getByRole('heading', { name: 'Delete me' }).waitFor()
  const remove = page.getByRole('button', { name: 'Delete “Delete me”' })
  const dialog = page.getByRole('dialog', { name: 'Delete “Delete me”?' })
  await remove.focus()
  await page.keyboard.press('Enter')
  await dialog.waitFor()
  await chat.picture('deleting')
  await page.keyboard.press('Escape')
  await dialog.waitFor({ state: 'detached' })
  expect(await focused(page).getAttribute('aria-label')).toBe('Delete “Delete me”')

  await page.keyboard.press('Enter')
  await dialog.waitFor()
  await page.keyboard.press('Tab')
  expect(await focused(page).textContent()).toBe('Delete')
  await page.keyboard.press('Enter')
  await link(page, 'Delete me').waitFor({ state: 'detached' })
  // It was the open one.
  await page.getByText('What would you like to know?').waitFor()
  await page.reload()
  await link(page, 'Keep me').waitFor()
  expect(await link(page, 'Delete me').count()).toBe(0)
})

test('conversations are searched, and older ones come when asked for', async () => {
  await makeConversations(['Oldest needle', ...Array.from({ length: 31 }, (_, index) => `Hay ${index}`)])
  await using chat = await scene.visit()
  const { page } = chat
  await link(page, 'Hay 30').waitFor()
  expect(await link(page, 'Oldest needle').count()).toBe(0)
  await list(page).getByRole('button', { name: 'Older' }).click()
  await link(page, 'Oldest needle').waitFor()

  await page.reload()
  await link(page, 'Hay 30').waitFor()
  await page.getByRole('searchbox', { name: 'Search conversations' }).fill('needle')
  await link(page, 'Oldest needle').waitFor()
  await link(page, 'Hay 30').waitFor({ state: 'detached' })
  await chat.picture('search')
  await page.getByRole('searchbox').fill('no such thing')
  await page.getByText('Nothing found.').waitFor()
})

test.each(['light', 'dark'] as const)('on a narrow %s screen it is a drawer', async (colorScheme) => {
  await makeConversations(['In the drawer'])
  await using chat = await scene.visit({ width: NARROW, colorScheme })
  const { page } = chat
  const opener = page.getByRole('button', { name: 'Conversations' })
  const drawer = page.getByRole('dialog', { name: 'Sidebar' })
  expect(await drawer.count()).toBe(0)
  await opener.focus()
  await page.keyboard.press('Enter')
  await drawer.waitFor()
  await link(page, 'In the drawer').first().waitFor()
  expect(await focused(page).getAttribute('aria-label')).toBe('Close the list')
  // Where it has come to: it slides in.
  await page.waitForFunction(() => document.querySelector('#sidebar')?.getBoundingClientRect().left === 0)
  await chat.picture(`drawer-${colorScheme}`)

  // The focus goes round in it, both ways.
  await page.keyboard.press('Shift+Tab')
  const last = await focused(page).getAttribute('aria-label')
  expect(await focused(page).evaluate((element) => element.closest('#sidebar') !== null)).toBe(true)
  await page.keyboard.press('Tab')
  expect(await focused(page).getAttribute('aria-label')).toBe('Close the list')
  expect(last).not.toBe('Close the list')

  // Escape leaves what is open, one at a time.
  await page.getByRole('button', { name: 'Rename “In the drawer”' }).first().click()
  await page.getByLabel('Title').waitFor()
  await page.keyboard.press('Escape')
  await page.getByLabel('Title').waitFor({ state: 'detached' })
  await drawer.waitFor()
  await page.keyboard.press('Escape')
  await drawer.waitFor({ state: 'detached' })
  await page.locator('button[aria-label=Conversations]:focus').waitFor()

  await opener.click()
  await link(page, 'In the drawer').first().click()
  await drawer.waitFor({ state: 'detached' })
  await page.getByRole('heading', { name: 'In the drawer' }).waitFor()
})
