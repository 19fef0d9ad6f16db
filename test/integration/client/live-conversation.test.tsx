// The hook over real servers: several pages show a live conversation.
import { waitFor } from '@testing-library/react'
import { act } from 'react'
import { expect } from 'vitest'
import type { LiveMessage } from '../../../client/live-messages.ts'
import { PUBLIC_PRINCIPAL as OWNER } from '../../../server/contract/principal.ts'
import { test } from '../../support/runtime.ts'
import { textOf } from '../../../server/index.ts'
import { createChat, createGate } from '../server/steering/scene.ts'
import { PATIENCE, createTalker, openPage, user } from './conversation-page.tsx'

/** Expects that no message is shown twice and that each follows the one before it. */
function expectOnePath(messages: readonly LiveMessage[]) {
  expect(new Set(messages.map(({ id }) => id)).size).toBe(messages.length)
  expect(messages.map(({ parentId }) => parentId)).toEqual(
    [null, ...messages.map(({ id }) => id)].slice(0, messages.length),
  )
}

test('a request of one page appears and grows in another page, over another server, and is stored once', async ({
  createServer,
}) => {
  const { talker, release } = createTalker()
  const [here, there] = [
    await createServer({ agents: [talker] }),
    await createServer({ agents: [talker], worker: false }),
  ]
  const { id } = await here.runtime.conversations.create(OWNER, {})
  const [mine, other] = [openPage(here, id), openPage(there, id)]
  await waitFor(
    () => expect(other.result.current.isLoading || mine.result.current.isLoading).toBe(false),
    PATIENCE,
  )

  await act(async () => {
    await mine.client.runs.create({ agentKey: 'talker', conversationId: id, messages: [user('one')] })
  })
  for (const page of [mine, other]) await page.shows(['one', 'one, (streaming)'])
  const [, growing] = other.result.current.messages
  release('one')
  for (const page of [mine, other]) {
    await page.shows(['one', 'one, indeed'])
    expectOnePath(page.result.current.messages)
    expect(page.result.current.messages[1]?.id).toBe(growing?.id)
  }
  const stored = await here.runtime.conversations.get(OWNER, { conversationId: id })
  await waitFor(() => expect(other.result.current.messages).toMatchObject(stored.messages), PATIENCE)

  // Code on the server asks too, like a webhook or a schedule.
  await here.runtime.runs.create(OWNER, { agentKey: 'talker', conversationId: id, messages: [user('two')] })
  for (const page of [mine, other]) await page.shows(['one', 'one, indeed', 'two', 'two, (streaming)'])
  release('two')
  for (const page of [mine, other]) await page.shows(['one', 'one, indeed', 'two', 'two, indeed'])
  for (const page of [mine, other]) page.unmount()
})

test('a message is shown before the server has it, and disappears if it is refused', async ({
  createServer,
}) => {
  const { talker, release } = createTalker()
  const server = await createServer({ agents: [talker] })
  const { id } = await server.runtime.conversations.create(OWNER, {})
  const creating = Promise.withResolvers<void>()
  const page = openPage(server, id, { creating: creating.promise })
  await waitFor(() => expect(page.result.current.conversation).toBeDefined(), PATIENCE)
  const sent = page.client.runs.create({ agentKey: 'talker', conversationId: id, messages: [user('hi')] })
  await page.shows(['hi (sending)'])
  creating.resolve()
  await act(async () => void (await sent))
  await page.shows(['hi', 'hi, (streaming)'])
  const refused = page.client.runs.create({
    agentKey: 'talker',
    conversationId: id,
    conversationPolicy: 'reject',
    messages: [user('no')],
  })
  await expect(refused).rejects.toMatchObject({ code: 'conflict' })
  release('hi')
  await page.shows(['hi', 'hi, indeed'])
  expectOnePath(page.result.current.messages)
  page.unmount()
})

test('a history that is sent again with a new message is shown once', async ({ createServer }) => {
  const { talker, release } = createTalker()
  const server = await createServer({ agents: [talker] })
  const { id } = await server.runtime.conversations.create(OWNER, {})
  release('hi')
  const { run } = await server.runtime.runs.create(OWNER, {
    agentKey: 'talker',
    conversationId: id,
    messages: [user('hi')],
  })
  await server.rest.events(`runs/${run.id}/events`)
  const [creating, answering] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const page = openPage(server, id, { creating: creating.promise, answering: answering.promise })
  await page.hasRead(2)
  const sent = page.client.runs.create({
    agentKey: 'talker',
    conversationId: id,
    messages: [user('hi'), { role: 'assistant', content: 'hi, indeed' }, user('more')],
  })
  await page.shows(['hi', 'hi, indeed', 'more (sending)'])
  creating.resolve()
  await page.shows(['hi', 'hi, indeed', 'more', 'more, (streaming)'])
  answering.resolve()
  await act(async () => void (await sent))
  release('more')
  await page.shows(['hi', 'hi, indeed', 'more', 'more, indeed'])
  expectOnePath(page.result.current.messages)
  page.unmount()
})

test('a page that comes during a run shows what was said, which stays after the run is stopped', async ({
  createServer,
}) => {
  const { talker } = createTalker()
  const server = await createServer({ agents: [talker] })
  const { id } = await server.runtime.conversations.create(OWNER, {})
  const ask = { agentKey: 'talker', conversationId: id, messages: [user('long')] }
  const { run } = await server.runtime.runs.create(OWNER, ask)
  await (await server.rest.stream(`runs/${run.id}/events`)).until('assistant.delta')
  const page = openPage(server, id)
  await page.shows(['long', 'long, (streaming)'])
  await server.runtime.runs.cancel(OWNER, run.id)
  await page.shows(['long', 'long,'])
  await waitFor(() => expect(page.result.current.messages[1]?.incomplete).toBe(true), PATIENCE)
  expectOnePath(page.result.current.messages)
  page.unmount()
})

test('the first message begins a conversation, and the next one waits for its turn', async ({
  createServer,
}) => {
  const { talker, release } = createTalker()
  const page = openPage(await createServer({ agents: [talker] }), '')
  const { send } = page.result.current
  const first = await act(() => send('hi', { agentKey: 'talker' }))
  page.rerender({ id: first.run.conversationId ?? '' })
  await page.shows(['hi', 'hi, (streaming)'])
  expect(page.result.current.activeRunId).toBe(first.id)
  await act(() => page.result.current.send([user('and you')], { agentKey: 'talker' }))
  await waitFor(() => expect(page.queue()).toEqual(['and you']), PATIENCE)
  expect(page.result.current.activeRunId).toBe(first.id)
  for (const text of ['hi', 'and you']) release(text)
  await page.shows(['hi', 'hi, indeed', 'and you', 'and you, indeed'])
  page.unmount()
})

test('messages stay visible while older ones are read', async ({ createServer }) => {
  const { talker, release } = createTalker()
  const server = await createServer({ agents: [talker] })
  const { id } = await server.runtime.conversations.create(OWNER, {})
  release('hi')
  await server.runtime.runs.create(OWNER, { agentKey: 'talker', conversationId: id, messages: [user('hi')] })
  const page = openPage(server, id)
  await page.shows(['hi', 'hi, indeed'])
  page.rerender({ id, limit: 1 })
  await page.shows(['hi, indeed'])
  page.rerender({ id, limit: 3 })
  expect(page.shown()).not.toEqual([])
  await page.shows(['hi', 'hi, indeed'])
  const other = await server.runtime.conversations.create(OWNER, {})
  page.rerender({ id: other.id, limit: 2 })
  expect(page.shown()).toEqual([])
  page.unmount()
})

test('the queue is shown in order, and its runs are moved and dropped', async ({ createServer }) => {
  const { talker, release } = createTalker()
  const server = await createServer({ agents: [talker] })
  const { id } = await server.runtime.conversations.create(OWNER, {})
  const page = openPage(server, id)
  const tab = openPage(await createServer({ agents: [talker], worker: false }), id)
  await waitFor(() => expect(page.result.current.conversation).toBeDefined(), PATIENCE)
  await waitFor(() => expect(tab.result.current.conversation).toBeDefined(), PATIENCE)
  for (const text of ['a', 'b', 'c', 'd']) {
    await server.runtime.runs.create(OWNER, {
      agentKey: 'talker',
      conversationId: id,
      messages: [user(text)],
    })
  }
  await page.shows(['a', 'a, (streaming)', 'b', 'c', 'd'])
  await waitFor(() => expect(page.queue()).toEqual(['b', 'c', 'd']), PATIENCE)
  await waitFor(() => expect(tab.queue()).toEqual(['b', 'c', 'd']), PATIENCE)
  const [b, c, d] = page.result.current.queue.map(({ runId }) => runId)
  const active = () =>
    page.result.current.messages.find(({ runId }) => runId === page.result.current.activeRunId)
  expect(textOf(active())).toBe('a')
  await act(() => page.result.current.moveTurn(d ?? '', { before: b ?? '' }))
  await waitFor(() => expect(page.queue()).toEqual(['d', 'b', 'c']), PATIENCE)
  await waitFor(() => expect(tab.queue()).toEqual(['d', 'b', 'c']), PATIENCE)
  await act(() => page.result.current.dropTurn(c ?? ''))
  await waitFor(() => expect(page.queue()).toEqual(['d', 'b']), PATIENCE)
  await waitFor(() => expect(tab.queue()).toEqual(['d', 'b']), PATIENCE)
  tab.unmount()
  await page.shows(['a', 'a, (streaming)', 'd', 'b'])
  release('a')
  await waitFor(() => expect(textOf(active())).toBe('d'), PATIENCE)
  for (const text of ['b', 'd']) release(text)
  await page.shows(['a', 'a, indeed', 'd', 'd, indeed', 'b', 'b, indeed'])
  await waitFor(() => expect(page.queue()).toEqual([]), PATIENCE)
  await waitFor(() => expect(page.result.current.activeRunId).toBeNull(), PATIENCE)
  expectOnePath(page.result.current.messages)
  page.unmount()
})

test('a page that comes later shows the queue until its runs have begun', async ({ createServer }) => {
  const { talker, release } = createTalker()
  const server = await createServer({ agents: [talker] })
  const { id } = await server.runtime.conversations.create(OWNER, {})
  for (const text of ['a', 'b', 'c']) {
    await server.runtime.runs.create(OWNER, {
      agentKey: 'talker',
      conversationId: id,
      messages: [user(text)],
    })
  }
  const page = openPage(server, id)
  await waitFor(() => expect(page.queue()).toEqual(['b', 'c']), PATIENCE)
  release('a')
  await waitFor(() => expect(page.queue()).toEqual(['c']), PATIENCE)
  const [c] = page.result.current.queue
  await act(() => page.result.current.dropTurn(c?.runId ?? ''))
  await waitFor(() => expect(page.queue()).toEqual([]), PATIENCE)
  release('b')
  await page.shows(['a', 'a, indeed', 'b', 'b, indeed'])
  page.unmount()
})

test('a page that is not live shows what is stored', async ({ createServer }) => {
  const { talker, release } = createTalker()
  const server = await createServer({ agents: [talker] })
  const { id } = await server.runtime.conversations.create(OWNER, {})
  const page = openPage(server, id, { live: false })
  await waitFor(() => expect(page.result.current.conversation).toBeDefined(), PATIENCE)
  const ask = { agentKey: 'talker', conversationId: id, messages: [user('quiet')] }
  const { run } = await server.runtime.runs.create(OWNER, ask)
  release('quiet')
  await server.rest.events(`runs/${run.id}/events`)
  expect(page.shown()).toEqual([])
  await act(() => page.result.current.refetch())
  await page.shows(['quiet', 'quiet, indeed'])
  page.unmount()
})

test('a message sent to a run is shown where the run read it, also once it is stored', async ({
  createServer,
}) => {
  const gate = createGate()
  const { chat, model } = createChat(gate)
  const server = await createServer({ agents: [chat], model })
  const { id } = await server.runtime.conversations.create(OWNER, {})
  // A page that shows a conversation belongs to no agent.
  const page = openPage(server as never, id)
  const asked = { conversationId: id, messages: [user('Weather?')] }
  const { run } = await server.runtime.runs.create(OWNER, { agentKey: 'chat', ...asked })
  await gate.come
  await act(() => page.client.runs.send({ runId: run.id, message: 'In Celsius.' }))
  gate.open()
  const spoken = () =>
    page.result.current.messages.filter(({ role }) => role !== 'tool').map((message) => textOf(message))
  const inOrder = ['Weather?', 'In Celsius.', 'Weather? | In Celsius.']
  await waitFor(() => expect(spoken().filter((text) => text !== '')).toEqual(inOrder), PATIENCE)
  // The page shows what was said before it is stored.
  await expect.poll(async () => (await server.runtime.runs.get(OWNER, run.id)).status).toBe('succeeded')
  const stored = await server.runtime.conversations.get(OWNER, { conversationId: id })
  await waitFor(() => expect(page.result.current.messages).toMatchObject(stored.messages), PATIENCE)
  // The empty message called the tool.
  expect(spoken()).toEqual(['Weather?', '', 'In Celsius.', 'Weather? | In Celsius.'])
  page.unmount()
})

test('a message sent to a run under way is pending until the run reads it, also if the whole history is sent along', async ({
  createServer,
}) => {
  const gate = createGate()
  const { chat, model } = createChat(gate)
  const server = await createServer({ agents: [chat], model })
  const { id } = await server.runtime.conversations.create(OWNER, {})
  const page = openPage(server as never, id)
  const asked = { agentKey: 'chat', conversationId: id } as never as { agentKey: 'talker' }
  const run = await act(() => page.client.runs.create({ ...asked, messages: [user('Weather?')] }))
  expect(run.sentMessageIds).toEqual([])
  await gate.come
  await page.shows(['Weather?'])
  const steer = (...messages: string[]) =>
    act(() =>
      page.client.runs.create({ ...asked, conversationPolicy: 'steer', messages: messages.map(user) }),
    )
  const first = await steer('In Celsius.')
  expect([first.id, first.sentMessageIds.length]).toEqual([run.id, 1])
  await page.shows(['Weather?', 'In Celsius. (sending)'])
  const second = await steer('Weather?', 'In Celsius.', 'Briefly.')
  const waiting = ['Weather?', 'In Celsius. (sending)', 'Briefly. (sending)']
  await page.shows(waiting)
  // The history does not have them yet, even if it is read again.
  await act(() => page.result.current.refetch())
  await page.shows(waiting)
  gate.open()
  const answer = 'Weather? | In Celsius. | Briefly.'
  // The tool call and its result are included.
  await page.shows(['Weather?', '', 'seen', 'In Celsius.', 'Briefly.', answer])
  expect(await second.text()).toBe(answer)
  expectOnePath(page.result.current.messages)
  page.unmount()
})
