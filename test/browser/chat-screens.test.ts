// The chat page on narrow screens and in the dark.
import { expect, test } from 'vitest'
import type { ChatScene } from './chat-scene.ts'
import { QUESTION, answer, openChat, ready } from './chat-scene.ts'
import { shareScene } from './shared-scene.ts'

let scene: ChatScene
shareScene(async () => (scene = await openChat()))

test.each(['light', 'dark'] as const)('on a narrow %s screen nothing is cut off', async (colorScheme) => {
  await using chat = await scene.visit({ width: 380, colorScheme })
  const { page } = chat
  await chat.send(QUESTION)
  await answer(page).waitFor()
  await ready(page)
  await chat.picture(`narrow-${colorScheme}`)
  const { over, background } = await page.evaluate(() => ({
    over: [...document.querySelectorAll('main *')].filter(
      (element) => element.getBoundingClientRect().right > innerWidth && element.closest('pre') === null,
    ).length,
    background: getComputedStyle(document.body).backgroundColor,
  }))
  expect(over).toBe(0)
  expect(background).toBe(colorScheme === 'dark' ? 'rgb(23, 23, 27)' : 'rgb(255, 255, 255)')

  await page.getByRole('button', { name: 'Conversations' }).click()
  await page.getByRole('button', { name: 'New conversation' }).waitFor()
  await chat.picture(`drawer-${colorScheme}`)
  await page.getByRole('button', { name: 'Close the list' }).click()
  await page.getByRole('button', { name: 'New conversation' }).waitFor({ state: 'hidden' })
})

test('in the dark it is dark', async () => {
  await using chat = await scene.visit({ colorScheme: 'dark' })
  await chat.send(QUESTION)
  await answer(chat.page).waitFor()
  await ready(chat.page)
  await chat.picture('dark')
  expect(await chat.page.evaluate(() => getComputedStyle(document.body).backgroundColor)).toBe(
    'rgb(23, 23, 27)',
  )
})
