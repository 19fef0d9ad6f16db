// A conversation that a page names by a key of its own.
import { waitFor } from '@testing-library/react'
import { act } from 'react'
import { expect } from 'vitest'
import { defineAgent, textOf } from '../../../server/index.ts'
import { test } from '../../support/runtime.ts'
import { createHookPage } from './hook-page.tsx'

const PATIENCE = { timeout: 20_000 }

const parrot = defineAgent({
  key: 'parrot',
  run: async ({ messages }) => ({
    messages: [{ role: 'assistant', content: `${textOf(messages.at(-1))}!` }],
  }),
})

test('a conversation named by a key is created once, by the first request in it, and found from then on', async ({
  createServer,
}) => {
  const { runtime } = await createServer({ agents: [parrot] })
  const { client, hooks, show } = createHookPage(runtime)
  let externalId = 'order 17'
  const open = () => show(() => hooks.useConversation({ externalId }))
  const page = open()
  const shown = ({ result }: typeof page) => result.current.messages.map((message) => textOf(message))
  expect(page.result.current).toMatchObject({ isLoading: true, conversation: undefined })
  await waitFor(() => expect(page.result.current.isLoading).toBe(false), PATIENCE)
  // Looking creates nothing.
  expect(await client.conversations.list({ archived: 'all' })).toMatchObject({ count: 0 })

  await act(async () => {
    const { send } = page.result.current
    await Promise.all([send('a', { agentKey: 'parrot' }), send('b', { agentKey: 'parrot' })])
  })
  await waitFor(() => expect(shown(page).toSorted()).toEqual(['a', 'a!', 'b', 'b!']), PATIENCE)
  expect(page.result.current.conversation).toMatchObject({ externalId })
  await act(async () => void (await page.result.current.send('c', { agentKey: 'parrot' })))
  await waitFor(() => expect(shown(page)).toHaveLength(6), PATIENCE)
  expect(await client.conversations.list({ archived: 'all' })).toMatchObject({ count: 1 })

  const other = createHookPage(runtime)
  const again = other.show(() => other.hooks.useConversation({ externalId }))
  await waitFor(() => expect(shown(again)).toEqual(shown(page)), PATIENCE)

  // Another key names another conversation, which shows nothing of the one before.
  externalId = 'order 18'
  page.rerender()
  expect(shown(page)).toEqual([])
  await client.conversations.create({ externalId })
  const third = createHookPage(runtime)
  const empty = third.show(() => third.hooks.useConversation({ externalId }))
  await waitFor(() => expect(empty.result.current.conversation).toMatchObject({ externalId }), PATIENCE)
})

test('a page shows the error if the lookup of a key fails', async ({ createServer }) => {
  const { runtime } = await createServer({ agents: [parrot] })
  const { hooks, show } = createHookPage(runtime, (request, answer) => {
    if (!request.url.includes('conversations.list')) return answer(request)
    const data = { code: 'FORBIDDEN', httpStatus: 403 }
    return Promise.resolve(Response.json({ error: { message: 'No.', code: -32_003, data } }, { status: 403 }))
  })
  const { result } = show(() => hooks.useConversation({ externalId: 'x' }))
  await waitFor(() => expect(result.current.error).toMatchObject({ code: 'forbidden' }), PATIENCE)
  expect(result.current.isLoading).toBe(false)
})
