// What axe finds wrong on the chat page in each of its states, and what it does for those who want less motion.
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { AxeResults } from 'axe-core'
import { beforeAll, expect, test } from 'vitest'
import type { ChatScene, Visit } from './chat-scene.ts'
import { QUESTION, answer, grown, openChat, ready } from './chat-scene.ts'
import { shareScene } from './shared-scene.ts'

let scene: ChatScene
let axe: string
beforeAll(async () => {
  axe = await readFile(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8')
})
shareScene(async () => (scene = await openChat()))

/** What axe has against the page as it is, each with where. */
async function findings({ page, picture }: Visit, name: string) {
  await picture(name)
  await page.evaluate(axe)
  const { violations } = await page.evaluate(() =>
    (globalThis as unknown as { axe: { run(): Promise<AxeResults> } }).axe.run(),
  )
  return violations.map(({ id, nodes }) => ({ state: name, id, at: nodes.map(({ html }) => html) }))
}

test.each([
  { colorScheme: 'light', width: 1200 },
  { colorScheme: 'dark', width: 1200 },
  { colorScheme: 'light', width: 390 },
  { colorScheme: 'dark', width: 390 },
] as const)('nothing is found on a $colorScheme page of $width px', async ({ colorScheme, width }) => {
  // Colours are looked at, so none may be on its way to another.
  await using chat = await scene.visit({ colorScheme, width, reducedMotion: 'reduce' })
  const { page } = chat
  const name = `${colorScheme}-${width}`
  const found: Awaited<ReturnType<typeof findings>> = []
  const look = async (state: string) => found.push(...(await findings(chat, `axe-${state}-${name}`)))
  await page.getByText('Demo model').waitFor()
  await look('welcome')

  await chat.send(`${QUESTION} But hold ${colorScheme}${width}.`)
  await grown(page, 0)
  await chat.send('Save a note: buy milk')
  await page.getByRole('list', { name: 'Asked next' }).waitFor()
  await look('answering')
  await scene.release(`${colorScheme}${width}`)
  await page.getByRole('group', { name: 'Allow save_note?' }).waitFor()
  await look('approval')
  await page.getByRole('button', { name: "Don't allow" }).click()
  await answer(page).getByText('The call was denied.').waitFor()
  await ready(page)
  for (const step of await page.locator('.tool-step summary').all()) await step.click()
  await look('steps')

  await chat.send(`${QUESTION} Then break down.`)
  await page.getByText('The answer failed.').waitFor()
  await ready(page)
  await page.getByRole('button', { name: 'Answer again' }).last().click()
  await page.getByText('2/2').waitFor()
  await ready(page)
  await look('failed')
  await page.getByRole('button', { name: 'Edit' }).last().click()
  await page.getByLabel('Edit message').waitFor()
  await page.getByLabel('Files', { exact: true }).setInputFiles({
    name: 'notes.txt',
    mimeType: 'text/plain',
    buffer: Buffer.from('Buy milk.'),
  })
  await page.locator('.file-chip[data-state=ready]').waitFor()
  await look('editing')

  if (width < 720) await page.getByRole('button', { name: 'Conversations' }).click()
  const list = page.getByRole('navigation', { name: 'Conversations' })
  await list.getByRole('link').first().waitFor()
  await look('list')
  await list
    .getByRole('button', { name: /^Rename/ })
    .first()
    .click()
  await page.getByLabel('Title').waitFor()
  await look('renaming')
  await page.keyboard.press('Escape')
  await list
    .getByRole('button', { name: /^Delete/ })
    .first()
    .click()
  await page.getByRole('dialog', { name: /^Delete/ }).waitFor()
  await look('deleting')
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('dialog', { name: 'Sign in' }).waitFor()
  await look('sign-in')
  expect(found).toEqual([])
})

test('nothing moves for those who want less motion', async () => {
  await using chat = await scene.visit({ reducedMotion: 'reduce' })
  const { page } = chat
  await chat.send(`${QUESTION} But hold still.`)
  await grown(page, 0)
  expect(await page.evaluate(() => document.getAnimations().length)).toBe(0)
  await scene.release('still')
  await ready(page)
})
