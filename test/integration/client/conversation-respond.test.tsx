// A page answers the waits of the run that has its conversation's turn.
import { waitFor } from '@testing-library/react'
import { act } from 'react'
import { expect } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../../../server/index.ts'
import { test } from '../../support/runtime.ts'
import { createHookPage } from './hook-page.tsx'

const PATIENCE = { timeout: 20_000 }

const asker = defineAgent({
  key: 'asker',
  waits: { color: z.string().max(4) },
  async run(ctx) {
    const first = await ctx.wait('color')
    const second = await ctx.wait('color')
    return { messages: [{ role: 'assistant', content: `${first.value} ${second.value}` }] }
  },
})

test('shows and answers waits, and a late answer never answers the next wait of the same name', async ({
  createServer,
}) => {
  const { runtime } = await createServer({ agents: [asker], config: { queuePollIntervalSeconds: 0.05 } })
  const { client, hooks, show } = createHookPage(runtime)
  const { id } = await client.conversations.create()
  const page = show(() => hooks.useConversation(id))
  await waitFor(() => expect(page.result.current.conversation).toBeDefined(), PATIENCE)
  await expect(page.result.current.respond('color', 'red')).rejects.toMatchObject({ code: 'not_found' })
  await act(async () => {
    await page.result.current.send('Paint', { agentKey: 'asker' })
  })
  const waits = () => page.result.current.waits.map(({ name, occurrence = 1 }) => `${name} ${occurrence}`)
  await waitFor(() => expect(waits()).toEqual(['color 1']), PATIENCE)
  const early = page.result.current
  await expect(early.respond('color', 'orange')).rejects.toMatchObject({ code: 'validation_failed' })
  expect(waits()).toEqual(['color 1'])

  await act(() => early.respond('color', 'red'))
  await waitFor(() => expect(waits()).toEqual(['color 2']), PATIENCE)
  // A second click on the wait that was shown before.
  await expect(early.respond('color', 'red')).rejects.toMatchObject({ code: 'conflict' })
  // A page that was reloaded shows the wait too.
  const other = createHookPage(runtime)
  const again = other.show(() => other.hooks.useConversation(id))
  await waitFor(() => expect(again.result.current.waits).toHaveLength(1), PATIENCE)
  await act(() => again.result.current.respond('color', 'blue', { occurrence: 2 }))
  for (const { result } of [page, again]) {
    await waitFor(() => expect(result.current.messages.at(-1)?.content).toBe('red blue'), PATIENCE)
    expect(result.current.waits).toEqual([])
    await waitFor(() => expect(result.current.activeRunId).toBeNull(), PATIENCE)
  }
  page.unmount()
  again.unmount()
})
