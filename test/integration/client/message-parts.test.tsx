// The parts of messages over a real server: a page that watches and a page that comes later show the same.
import { waitFor } from '@testing-library/react'
import { expect } from 'vitest'
import { z } from 'zod'
import { partsOf } from '../../../client/index.ts'
import { PUBLIC_PRINCIPAL as OWNER } from '../../../server/contract/principal.ts'
import { defineAgent, defineTool, toolLoop, ToolError } from '../../../server/index.ts'
import { createScriptedModel } from '../../../server/models/scripted.ts'
import { test } from '../../support/runtime.ts'
import { PATIENCE, openPage, user } from './conversation-page.tsx'

function createThinker() {
  const gate = Promise.withResolvers<void>()
  const look = defineTool({
    name: 'look',
    description: 'Looks.',
    input: z.object({ at: z.string() }),
    async execute({ at }, { report }) {
      if (at === 'nowhere') throw new ToolError('There is no such place.')
      await report({ percent: 50 })
      await gate.promise
      return { found: at }
    },
  })
  const thinker = defineAgent({
    // The page's runtime knows the agent by this name.
    key: 'talker',
    async run(ctx) {
      const model = createScriptedModel([
        {
          reasoning: 'I have to look.',
          text: 'Let me see.',
          toolCalls: [
            { name: 'look', arguments: { at: 'home' } },
            { name: 'look', arguments: { at: 'nowhere' } },
          ],
        },
        { reasoning: 'There it is.', text: 'It is at home.' },
      ])
      const reply = await toolLoop(ctx, { model, tools: [look] })
      return { messages: reply.messages }
    },
  })
  return { thinker, release: () => gate.resolve() }
}

const CALL = { type: 'tool', toolCallId: expect.any(String), tool: 'look' }
const THOUGHT = [
  { type: 'reasoning', text: 'I have to look.' },
  { type: 'text', text: 'Let me see.' },
]

test('a page shows the same parts live, after the run, and after a reload', async ({ createServer }) => {
  const { thinker, release } = createThinker()
  const server = await createServer({ agents: [thinker] })
  const { id } = await server.runtime.conversations.create(OWNER, {})
  const page = openPage(server, id, { includeDebug: true })
  const partsShown = ({ result }: typeof page) => result.current.messages.map(({ parts }) => parts)
  await waitFor(() => expect(page.result.current.isLoading).toBe(false), PATIENCE)
  await page.client.runs.create({ agentKey: 'talker', conversationId: id, messages: [user('Where?')] })

  await waitFor(() => expect(partsShown(page).at(-1)).toHaveLength(4), PATIENCE)
  await waitFor(
    () =>
      expect(partsShown(page)).toEqual([
        [{ type: 'text', text: 'Where?' }],
        [
          ...THOUGHT,
          { ...CALL, state: 'called', input: { at: 'home' }, progress: { percent: 50 } },
          { ...CALL, state: 'called', input: { at: 'nowhere' } },
        ],
      ]),
    PATIENCE,
  )
  const [question] = page.result.current.messages
  release()

  const calls = [
    { ...CALL, state: 'succeeded', input: { at: 'home' }, output: { found: 'home' } },
    { ...CALL, state: 'failed', input: { at: 'nowhere' }, error: 'There is no such place.' },
  ]
  const answer = [
    { type: 'reasoning', text: 'There it is.' },
    { type: 'text', text: 'It is at home.' },
  ]
  const whole = [[{ type: 'text', text: 'Where?' }], [...THOUGHT, ...calls], [], [], answer]
  await page.hasRead(5)
  await waitFor(() => expect(partsShown(page)).toEqual(whole), PATIENCE)
  expect(page.result.current.messages[0]?.parts[0]).toEqual(question?.parts[0])

  const later = openPage(server, id, { includeDebug: true })
  await later.hasRead(5)
  expect(partsShown(later)).toEqual(whole)
  // A page that asks for no debug events sees no reasoning.
  const plain = openPage(server, id)
  await plain.hasRead(5)
  expect(partsShown(plain)).toEqual(
    whole.map((parts) => parts.filter((part) => Object(part).type !== 'reasoning')),
  )
  const { messages } = await later.client.conversations.get({ conversationId: id, includeDebug: true })
  expect(messages.map((message) => partsOf(message, messages))).toEqual(whole)
  const again = later.result.current.messages
  later.rerender({ id })
  expect(later.result.current.messages.map(({ parts }) => parts)).toEqual(again.map(({ parts }) => parts))
  for (const one of [page, later, plain]) one.unmount()
})

test('a page keeps the tool calls of a cancelled run, and what the run said before and after them', async ({
  createServer,
}) => {
  const look = defineTool({
    name: 'look',
    description: 'Looks.',
    input: z.object({ at: z.string() }),
    async execute({ at }, { signal }) {
      if (at === 'far') {
        await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
      }
      return { found: at }
    },
  })
  const talker = defineAgent({
    key: 'talker',
    async run(ctx) {
      const toolCalls = (at: string) => [{ name: 'look', arguments: { at } }]
      const model = createScriptedModel([
        { text: 'First.', toolCalls: toolCalls('home') },
        { toolCalls: toolCalls('near') },
        { text: 'Last.', toolCalls: toolCalls('far') },
      ])
      return { messages: (await toolLoop(ctx, { model, tools: [look] })).messages }
    },
  })
  const server = await createServer({ agents: [talker] })
  const { id } = await server.runtime.conversations.create(OWNER, {})
  const page = openPage(server, id, { includeDebug: true })
  const shown = () =>
    page.result.current.messages.map(({ parts }) =>
      parts.map((part) => (part.type === 'tool' ? part.state : part.type === 'text' ? part.text : part.type)),
    )
  await waitFor(() => expect(page.result.current.isLoading).toBe(false), PATIENCE)
  const run = await page.client.runs.create({
    agentKey: 'talker',
    conversationId: id,
    messages: [user('Where?')],
  })
  const before = [['Where?'], ['First.', 'succeeded'], ['succeeded']]
  await waitFor(() => expect(shown()).toEqual([...before, ['Last.', 'called']]), PATIENCE)
  await run.cancel()
  const after = [...before, ['Last.', 'interrupted']]
  // Only the texts of the answers are stored.
  await page.hasRead(3)
  await waitFor(() => expect(shown()).toEqual(after), PATIENCE)
  expect(page.result.current.messages.map(({ incomplete = false }) => incomplete)).toEqual([
    ...[false, true, true, true],
  ])
  await page.result.current.refetch()
  await waitFor(() => expect(page.result.current.conversation?.messages).toHaveLength(3), PATIENCE)
  expect(shown()).toEqual(after)
  expect(page.result.current.activeRunId).toBeNull()

  const partsIn = ({ result }: typeof page) => result.current.messages.map(({ id, parts }) => ({ id, parts }))
  const later = openPage(server, id, { includeDebug: true })
  await waitFor(() => expect(partsIn(later)).toEqual(partsIn(page)), PATIENCE)
  const again = partsIn(later)
  later.rerender({ id })
  partsIn(later).forEach(({ parts }, at) => expect(parts).toBe(again[at]?.parts))
  const plain = openPage(server, id)
  await waitFor(() => expect(plain.result.current.messages).toHaveLength(3), PATIENCE)
  expect(plain.result.current.messages.map(({ parts }) => parts)).toEqual([
    ...['Where?', 'First.', 'Last.'].map((text) => [{ type: 'text', text }]),
  ])
  expect(await plain.client.conversations.get({ conversationId: id })).not.toHaveProperty('brokenOff')
  for (const one of [page, later, plain]) one.unmount()
})
