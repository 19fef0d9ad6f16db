// The first message of a conversation that does not exist yet is shown at once, and once.
import { renderHook, waitFor } from '@testing-library/react'
import { act } from 'react'
import type { ReactNode } from 'react'
import { expect } from 'vitest'
import { defineAgent, textOf } from '../../../server/index.ts'
import type { CreateServer } from '../../support/runtime.ts'
import { test } from '../../support/runtime.ts'
import type { ConversationOptions } from '../../../react/use-conversation.ts'
import type { ConversationName } from '../../../react/use-conversation-id.ts'
import { createHookPage } from './hook-page.tsx'

const PATIENCE = { timeout: 20_000 }

const parrot = defineAgent({
  key: 'parrot',
  run: async ({ messages }) => ({
    messages: [{ role: 'assistant', content: `${textOf(messages.at(-1))}!` }],
  }),
})

const files = [new File(['one'], 'a.txt', { type: 'text/plain' })]
const isUpload = (request: Request) => request.url.endsWith('/files') && request.method === 'POST'
const isCreate = (request: Request) => request.url.includes('runs.create')

type Through = NonNullable<Parameters<typeof createHookPage>[1]>

/** A page that may be given another name, and what each of its renders showed of the user's messages. */
async function createScene(createServer: CreateServer, through?: Through, options: ConversationOptions = {}) {
  const { runtime } = await createServer({ agents: [parrot], config: { maxFileBytes: 1_000 } })
  const { client, hooks, show } = createHookPage(runtime, through)
  const given: { name: ConversationName } = { name: null }
  const renders: string[][] = []
  const page = show(() => {
    const view = hooks.useConversation(given.name, options)
    renders.push(view.messages.filter(({ role }) => role === 'user').map((message) => textOf(message)))
    return view
  })
  return {
    ...{ client, hooks, show, page, renders },
    open(name: ConversationName) {
      given.name = name
      page.rerender()
    },
    current: () => page.result.current,
    shown: () =>
      page.result.current.messages.map((message) =>
        message.pending === undefined ? textOf(message) : `${textOf(message)} (${message.pending})`,
      ),
  }
}

type Scene = Awaited<ReturnType<typeof createScene>>

/** Sends without waiting, as a page does. */
function send({ current }: Scene, text: string, more: { files?: File[] } = {}) {
  let asked: ReturnType<ReturnType<typeof current>['send']> | undefined
  act(() => void (asked = current().send(text, { agentKey: 'parrot', ...more })))
  if (asked === undefined) throw new Error('Nothing was sent.')
  // Its failure is looked at later.
  asked.catch(() => {})
  return asked
}

const idOf = (run: Awaited<ReturnType<typeof send>>) => run.run.conversationId ?? ''

test.for([
  { includeDebug: false, rerenders: false },
  { includeDebug: true, rerenders: true },
])(
  'a new conversation shows its first message at once, and goes on with it when the page has its id: %o',
  async ({ includeDebug, rerenders }, { createServer }) => {
    const uploading = Promise.withResolvers<void>()
    const scene = await createScene(
      createServer,
      async (request, answer) => {
        if (isUpload(request)) await uploading.promise
        return answer(request)
      },
      { includeDebug },
    )
    const asked = send(scene, 'Read', { files })
    expect(scene.current().messages).toMatchObject([
      {
        role: 'user',
        pending: 'sending',
        parts: [
          { type: 'text', text: 'Read' },
          { type: 'file', filename: 'a.txt' },
        ],
        upload: { uploadedBytes: 0, totalBytes: 3 },
      },
    ])
    scene.renders.length = 0
    if (rerenders) scene.page.rerender()
    expect(scene.shown()).toEqual(['Read (sending)'])
    uploading.resolve()
    const run = await act(() => asked)
    expect(scene.shown()).toEqual(['Read (sending)'])
    expect(scene.current().messages[0]).not.toHaveProperty('upload')
    if (rerenders) scene.page.rerender()
    scene.open(idOf(run))
    expect(scene.shown()).toEqual(['Read (sending)'])
    await waitFor(() => expect(scene.shown()).toEqual(['Read', 'Read!']), PATIENCE)
    expect(new Set(scene.renders.map((texts) => texts.join()))).toEqual(new Set(['Read']))

    // A conversation that comes after it has nothing of it.
    scene.open(null)
    expect(scene.shown()).toEqual([])
  },
)

test('a component that is mounted anew for the new conversation shows its first message at once', async ({
  createServer,
}) => {
  const answering = Promise.withResolvers<void>()
  const scene = await createScene(createServer, async (request, answer) => {
    if (request.url.includes('conversations.get')) await answering.promise
    return answer(request)
  })
  const run = await act(() => send(scene, 'Hi'))
  scene.page.unmount()
  const next = scene.show(() => scene.hooks.useConversation(idOf(run)))
  const shown = () => next.result.current.messages.map((message) => `${textOf(message)} ${message.pending}`)
  expect(shown()).toEqual(['Hi sending'])
  answering.resolve()
  await waitFor(() => expect(shown()).toEqual(['Hi undefined', 'Hi! undefined']), PATIENCE)
})

test('a conversation named by a key shows its first messages at once, and each once', async ({
  createServer,
}) => {
  const held = new Map<string, PromiseWithResolvers<void>>()
  const scene = await createScene(createServer, async (request, answer) => {
    const text = isCreate(request) ? await request.clone().text() : ''
    const response = await answer(request)
    // The run is there, but the page has not heard of it yet.
    for (const [name, gate] of held) if (text.includes(name)) await gate.promise
    return response
  })
  scene.open({ externalId: 'order 17' })
  held.set('second', Promise.withResolvers())
  // The key is still being looked up.
  const asked = [send(scene, 'first'), send(scene, 'second')]
  expect(scene.shown()).toEqual(['first (sending)', 'second (sending)'])
  scene.renders.length = 0
  const firstRun = await act(async () => await asked[0])
  await waitFor(() => expect(scene.current().conversation?.id).toBe(firstRun?.run.conversationId), PATIENCE)
  await waitFor(() => expect(scene.shown()).toContain('second!'), PATIENCE)
  held.get('second')?.resolve()
  await act(async () => void (await asked[1]))
  await waitFor(
    () => expect(scene.shown().toSorted()).toEqual(['first', 'first!', 'second', 'second!']),
    PATIENCE,
  )
  expect(new Set(scene.renders.map((texts) => texts.toSorted().join()))).toEqual(new Set(['first,second']))

  // Once the conversation is deleted, nothing of it is shown again.
  const list = scene.show(() => scene.hooks.useConversations())
  await act(() => list.result.current.remove(scene.current().conversation?.id ?? ''))
  await waitFor(() => expect(scene.current().conversation).toBeUndefined(), PATIENCE)
  expect(scene.shown()).toEqual([])
})

test('a page that never hands the id on keeps the message, until it opens something else', async ({
  createServer,
}) => {
  const scene = await createScene(createServer)
  const run = await act(() => send(scene, 'Hi'))
  await run.result()
  scene.page.rerender()
  expect(scene.shown()).toEqual(['Hi (sending)'])
  const other = await act(() => send(scene, 'Hello'))
  expect(scene.shown()).toEqual(['Hi (sending)', 'Hello (sending)'])
  // They are first messages of two conversations.
  expect(idOf(other)).not.toBe(idOf(run))
  scene.open(idOf(other))
  expect(scene.shown()).toEqual(['Hello (sending)'])
  await waitFor(() => expect(scene.shown()).toEqual(['Hello', 'Hello!']), PATIENCE)
})

test('a first message that is refused disappears', async ({ createServer }) => {
  const scene = await createScene(createServer)
  const tooMuch = new File(['x'.repeat(2_000)], 'b.txt')
  const asked = send(scene, 'Read', { files: [...files, tooMuch] })
  expect(scene.shown()).toEqual(['Read (sending)'])
  const refusal: unknown = await act(() => asked.catch((error: unknown) => error))
  expect(refusal).toMatchObject({ code: 'payload_too_large', details: { file: 'b.txt' } })
  expect(scene.shown()).toEqual([])
  const unknown = send(scene, '\u0000')
  expect(scene.current().messages).toHaveLength(1)
  await act(() => unknown.catch(() => {}))
  expect(scene.shown()).toEqual([])
})

test('a conversation that is opened meanwhile shows nothing of the first message of another', async ({
  createServer,
}) => {
  const creating = Promise.withResolvers<void>()
  const scene = await createScene(createServer, async (request, answer) => {
    if (isCreate(request)) await creating.promise
    return answer(request)
  })
  const { id } = await scene.client.conversations.create()
  const asked = send(scene, 'Hi')
  expect(scene.shown()).toEqual(['Hi (sending)'])
  scene.renders.length = 0
  for (const name of [id, { externalId: 'x' }, null]) {
    scene.open(name)
    await waitFor(() => expect(scene.current().isLoading).toBe(false), PATIENCE)
  }
  creating.resolve()
  const run = await act(() => asked)
  expect(scene.renders.flat()).toEqual([])
  scene.open(idOf(run))
  expect(scene.shown()).toEqual(['Hi (sending)'])
  await waitFor(() => expect(scene.shown()).toEqual(['Hi', 'Hi!']), PATIENCE)
})

test('another user of the page sees nothing of a first message that is on its way', async ({
  createServer,
}) => {
  const creating = Promise.withResolvers<void>()
  const { client, hooks } = await createScene(createServer, async (request, answer) => {
    if (isCreate(request)) await creating.promise
    return answer(request)
  })
  let identity = 'ada'
  const wrapper = ({ children }: { children: ReactNode }) => (
    <hooks.AgentProvider client={client} identity={identity}>
      {children}
    </hooks.AgentProvider>
  )
  const shown: string[] = []
  const page = renderHook(
    () => {
      const view = hooks.useConversation(null)
      shown.push(...view.messages.map((message) => textOf(message)))
      return view
    },
    { wrapper, reactStrictMode: true },
  )
  let asked: Promise<unknown> | undefined
  act(() => void (asked = page.result.current.send('Hi', { agentKey: 'parrot' })))
  expect(new Set(shown)).toEqual(new Set(['Hi']))
  shown.length = 0
  identity = 'bob'
  page.rerender()
  creating.resolve()
  await act(async () => void (await asked))
  page.rerender()
  expect(shown).toEqual([])
})

test('a page without hooks shows a first message at once too', async ({ createServer }) => {
  const { client } = await createScene(createServer)
  const draft = client.conversations.store(null)
  const messages = [{ role: 'user' as const, content: 'Hi' }]
  const creating = client.runs.create({ agentKey: 'parrot', conversation: 'new', messages }, { draft })
  expect(draft.getSnapshot().sending).toMatchObject([{ messages, runId: null }])
  const { id, run } = await creating
  for (const store of [draft, client.conversations.store(run.conversationId ?? '')])
    expect(store.getSnapshot().sending).toMatchObject([{ messages, runId: id }])
  // Nothing is followed without a conversation.
  const leave = draft.subscribe(() => {})
  draft.followFailed()
  leave()
  expect(draft.getSnapshot().error).toBeNull()
})

test('a page that shows only what is stored shows no first message that is on its way', async ({
  createServer,
}) => {
  const scene = await createScene(createServer, undefined, { live: false })
  const run = await act(() => send(scene, 'Hi'))
  expect(scene.renders.flat()).toEqual([])
  await run.result()
  scene.open(idOf(run))
  await waitFor(() => expect(scene.shown()).toEqual(['Hi', 'Hi!']), PATIENCE)
})
