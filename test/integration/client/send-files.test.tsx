// A page sends files with what it asks: all of them, or nothing.
import { waitFor } from '@testing-library/react'
import { act } from 'react'
import { expect } from 'vitest'
import { defineAgent } from '../../../server/index.ts'
import { test } from '../../support/runtime.ts'
import { createHookPage } from './hook-page.tsx'

const PATIENCE = { timeout: 20_000 }

const reader = defineAgent({
  key: 'reader',
  async run(ctx) {
    const { content = null } = ctx.messages.at(-1) ?? {}
    const seen: string[] = []
    for (const part of Array.isArray(content) ? content : []) {
      if (part.type === 'text') seen.push(part.text)
      if (part.type !== 'file' || part.fileId === undefined) continue
      const { name, bytes } = await ctx.files.read(part.fileId)
      seen.push(`${name}: ${new TextDecoder().decode(bytes)}`)
    }
    return { messages: [{ role: 'assistant', content: seen.join(', ') }] }
  },
})

const files = [new File(['one'], 'a.txt', { type: 'text/plain' }), new Blob(['two'])]

test('files go with the last message that is said', async ({ createServer }) => {
  const { runtime } = await createServer({ agents: [reader] })
  const { client, hooks, show } = createHookPage(runtime)
  const { id } = await client.conversations.create()
  const { result } = show(() => hooks.useConversation(id))
  await waitFor(() => expect(result.current.conversation).toBeDefined(), PATIENCE)
  const answer = () => result.current.messages.at(-1)?.content
  await act(async () => void (await result.current.send('Read', { agentKey: 'reader', files })))
  await waitFor(() => expect(answer()).toBe('Read, a.txt: one, file: two'), PATIENCE)
  // By themselves, and after messages in whole.
  await act(async () => void (await result.current.send('', { agentKey: 'reader', files: files.slice(1) })))
  await waitFor(() => expect(answer()).toBe('file: two'), PATIENCE)
  const said = [
    { role: 'system' as const, content: 'Be brief.' },
    { role: 'user' as const, content: [{ type: 'text' as const, text: 'Again' }] },
  ]
  await act(
    async () => void (await result.current.send(said, { agentKey: 'reader', files: files.slice(0, 1) })),
  )
  await waitFor(() => expect(answer()).toBe('Again, a.txt: one'), PATIENCE)
})

test('nothing is asked, and no file stays, where an upload fails or is given up', async ({
  createServer,
}) => {
  const { runtime } = await createServer({ agents: [reader] })
  const giveUp = new AbortController()
  let uploads = 0
  const { client, hooks, show } = createHookPage(runtime, async (request, answer) => {
    if (!request.url.endsWith('/files') || request.method !== 'POST') return answer(request)
    uploads += 1
    // The second upload of each try.
    if (uploads === 2) throw new TypeError('no network')
    if (uploads === 4) {
      giveUp.abort(new Error('Enough.'))
      throw giveUp.signal.reason
    }
    return answer(request)
  })
  const { id } = await client.conversations.create()
  const { result } = show(() => hooks.useConversation(id))
  await waitFor(() => expect(result.current.conversation).toBeDefined(), PATIENCE)
  const sending = (options: { signal?: AbortSignal } = {}) =>
    result.current.send('Read', { agentKey: 'reader', files, ...options })
  await expect(sending()).rejects.toMatchObject({ name: 'AgentRuntimeError', code: 'unavailable' })
  await expect(sending({ signal: giveUp.signal })).rejects.toThrow('Enough.')
  expect(uploads).toBe(4)
  await waitFor(async () => expect((await client.files.list()).items).toEqual([]), PATIENCE)
  expect(await client.runs.list()).toMatchObject({ count: 0 })
  expect(result.current.messages).toEqual([])
})
