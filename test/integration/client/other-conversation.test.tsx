// A page must not mix up what it knows of two conversations, or of one conversation at two times.
import { QueryClient } from '@tanstack/react-query'
import { act } from 'react'
import { expect } from 'vitest'
import { PUBLIC_PRINCIPAL as OWNER } from '../../../server/contract/principal.ts'
import type { CreateServer } from '../../support/runtime.ts'
import { test } from '../../support/runtime.ts'
import { createTalker, openPage, user } from './conversation-page.tsx'
import type { Page } from './conversation-page.tsx'

async function createScene(createServer: CreateServer) {
  const { talker, release } = createTalker()
  const server = await createServer({ agents: [talker] })
  const begin = async () => (await server.runtime.conversations.create(OWNER, {})).id
  const ask = (page: Page, conversationId: string, text: string) =>
    act(async () => {
      await page.client.runs.create({ agentKey: 'talker', conversationId, messages: [user(text)] })
    })
  return { server, release, begin, ask }
}

test('a component that switched to another conversation reads that one again when a run ends', async ({
  createServer,
}) => {
  const { server, release, begin, ask } = await createScene(createServer)
  const [first, second] = [await begin(), await begin()]
  const page = openPage(server, first)
  await page.hasRead(0)
  for (const text of ['a', 'b', 'c']) release(text)
  for (const [index, text] of ['a', 'b', 'c'].entries()) {
    await ask(page, first, text)
    await page.hasRead(2 * index + 2)
  }
  page.rerender({ id: second })
  await page.hasRead(0)
  await ask(page, second, 'other')
  await page.shows(['other', 'other, (streaming)'])
  release('other')
  await page.hasRead(2)
  await page.shows(['other', 'other, indeed'])
  page.rerender({ id: first })
  await page.shows(['a', 'a, indeed', 'b', 'b, indeed', 'c', 'c, indeed'])
  page.unmount()
})

test('a cached history is continued, even if everything else about the conversation was forgotten', async ({
  createServer,
}) => {
  const { server, release, begin, ask } = await createScene(createServer)
  const id = await begin()
  const queryClient = new QueryClient({ defaultOptions: { queries: { staleTime: Infinity } } })
  const page = openPage(server, id, { queryClient })
  await page.hasRead(0)
  for (const text of ['a', 'b']) release(text)
  await ask(page, id, 'a')
  await page.hasRead(2)
  await ask(page, id, 'b')
  await page.hasRead(4)
  page.unmount()
  const { client } = page
  const store = client.conversations.store(id)
  for (let other = 0; other < 50; other += 1) client.conversations.store(`another ${other}`)
  expect(client.conversations.store(id)).not.toBe(store)
  const again = openPage(server, id, { client, queryClient })
  await again.shows(['a', 'a, indeed', 'b', 'b, indeed'])
  await ask(again, id, 'c')
  await again.shows(['a', 'a, indeed', 'b', 'b, indeed', 'c', 'c, (streaming)'])
  release('c')
  await again.hasRead(6)
  await again.shows(['a', 'a, indeed', 'b', 'b, indeed', 'c', 'c, indeed'])
  again.unmount()
})
