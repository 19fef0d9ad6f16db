// A page sends files with a message: all of them, or none.
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

test('files are sent with the last message', async ({ createServer }) => {
  const { runtime } = await createServer({ agents: [reader] })
  const { client, hooks, show } = createHookPage(runtime)
  const { id } = await client.conversations.create()
  const { result } = show(() => hooks.useConversation(id))
  await waitFor(() => expect(result.current.conversation).toBeDefined(), PATIENCE)
  const answer = () => result.current.messages.at(-1)?.content
  await act(async () => void (await result.current.send('Read', { agentKey: 'reader', files })))
  await waitFor(() => expect(answer()).toBe('Read, a.txt: one, file: two'), PATIENCE)
  // Files alone, and files after whole messages.
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

test('no run is created and no file stays if an upload fails or is aborted', async ({ createServer }) => {
  const { runtime } = await createServer({ agents: [reader] })
  const giveUp = new AbortController()
  let uploads = 0
  const { client, hooks, show } = createHookPage(runtime, async (request, answer) => {
    if (!request.url.endsWith('/files') || request.method !== 'POST') return answer(request)
    uploads += 1
    // This is the second upload of each try.
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

test('a message is shown at once, with its files and their progress', async ({ createServer }) => {
  const { runtime } = await createServer({ agents: [reader] })
  const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  let uploads = 0
  const { client, hooks, show } = createHookPage(runtime, async (request, answer) => {
    if (request.url.endsWith('/files') && request.method === 'POST') await gates[uploads++]?.promise
    return answer(request)
  })
  const { id } = await client.conversations.create()
  const { result } = show(() => hooks.useConversation(id))
  await waitFor(() => expect(result.current.conversation).toBeDefined(), PATIENCE)
  const last = () => result.current.messages.at(-1)
  let asked: ReturnType<typeof result.current.send> | undefined
  act(() => void (asked = result.current.send('Read', { agentKey: 'reader', files })))
  expect(last()).toMatchObject({
    role: 'user',
    pending: 'sending',
    parts: [
      { type: 'text', text: 'Read' },
      { type: 'file', filename: 'a.txt' },
      { type: 'file', filename: 'file' },
    ],
    upload: { uploadedBytes: 0, totalBytes: 6 },
  })
  // Somebody else sends the same message during the upload. Both are shown.
  const other = await client.runs.create({
    agentKey: 'reader',
    conversationId: id,
    messages: [{ role: 'user', content: 'Read' }],
  })
  await other.result()
  await waitFor(() => expect(result.current.messages).toHaveLength(3), PATIENCE)
  const key = last()?.id

  await act(async () => gates[0]?.resolve())
  await waitFor(() => expect(last()?.upload).toEqual({ uploadedBytes: 3, totalBytes: 6 }), PATIENCE)
  expect(last()).toMatchObject({ id: key, pending: 'sending' })
  expect(last()?.parts.slice(1)).toEqual([
    { type: 'file', fileId: expect.any(String), filename: 'a.txt' },
    { type: 'file', filename: 'file' },
  ])
  gates[1]?.resolve()
  await act(async () => void (await asked))
  await waitFor(() => expect(last()?.content).toBe('Read, a.txt: one, file: two'), PATIENCE)
  expect(result.current.messages.filter(({ pending, upload }) => pending ?? upload)).toEqual([])
})

test('a message whose file is refused disappears, and the error names the file', async ({ createServer }) => {
  const { runtime } = await createServer({ agents: [reader], config: { maxFileBytes: 4 } })
  const { client, hooks, show } = createHookPage(runtime)
  const { id } = await client.conversations.create()
  const { result } = show(() => hooks.useConversation(id))
  await waitFor(() => expect(result.current.conversation).toBeDefined(), PATIENCE)
  let asked: Promise<unknown> | undefined
  const tooMuch = [new File(['one'], 'a.txt'), new File(['three'], 'b.txt')]
  act(() => void (asked = result.current.send('Read', { agentKey: 'reader', files: tooMuch })))
  expect(result.current.messages).toHaveLength(1)
  const refusal: unknown = await act(() => asked?.catch((error: unknown) => error))
  expect(refusal).toMatchObject({
    code: 'payload_too_large',
    message: expect.stringMatching(/^"b\.txt" was not uploaded: .*4/),
    details: { file: 'b.txt' },
  })
  expect(result.current.messages).toEqual([])
  await waitFor(async () => expect((await client.files.list()).items).toEqual([]), PATIENCE)
})

test('a refusal of a file by a proxy is reported by its status', async ({ createServer }) => {
  const { runtime } = await createServer({ agents: [reader] })
  const { client } = createHookPage(runtime, async (request, answer) =>
    request.url.endsWith('/files') && request.method === 'POST'
      ? new Response('<html>Request Entity Too Large</html>', { status: 413 })
      : answer(request),
  )
  await expect(client.files.upload(new Blob(['one']))).rejects.toMatchObject({ code: 'payload_too_large' })
})

test('a run is started with files, or not at all', async ({ createServer }) => {
  const { runtime } = await createServer({ agents: [reader], config: { maxFileBytes: 4 } })
  const { client, hooks, show } = createHookPage(runtime)
  const { id: conversationId } = await client.conversations.create()
  const { result } = show(() => hooks.useAgentRun({ agentKey: 'reader', conversationId }))
  const messages = [{ role: 'user' as const, content: 'Read' }]
  const run = await act(() => result.current.start({ messages }, { files }))
  expect(await run?.text()).toBe('Read, a.txt: one, file: two')
  const next = await act(() => result.current.start({}, { files: files.slice(1) }))
  expect(await next?.text()).toBe('file: two')

  const tooMuch = [new File(['one'], 'a.txt'), new File(['three'], 'b.txt')]
  const refused = await act(() => result.current.start({ messages }, { files: tooMuch }))
  expect(refused).toBeNull()
  expect(result.current.error).toMatchObject({ code: 'payload_too_large', details: { file: 'b.txt' } })
  // What the page itself gave up is no error.
  const given = { files, signal: AbortSignal.abort(new Error('Enough.')) }
  expect(await act(() => result.current.start({ messages }, given))).toBeNull()
  expect(result.current).toMatchObject({ error: null, isStarting: false })
  expect(await client.runs.list()).toMatchObject({ count: 2 })
})

test('a client without hooks sends files too', async ({ createServer }) => {
  const { runtime } = await createServer({ agents: [reader] })
  const { client } = createHookPage(runtime)
  const messages = [{ role: 'user' as const, content: 'Read' }]
  const run = await client.runs.create({ agentKey: 'reader', conversation: 'new', messages }, { files })
  expect(await run.text()).toBe('Read, a.txt: one, file: two')
  const chat = client.conversations.of(run.run.conversationId ?? '')
  expect(await (await chat.send('Again', { agentKey: 'reader' }, { files })).text()).toBe(
    'Again, a.txt: one, file: two',
  )
})
