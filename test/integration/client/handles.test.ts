// What a script and a page do with a run and a conversation through their handles.
import '../../unit/react/dom.ts'
import { act, cleanup, renderHook, waitFor } from '@testing-library/react'
import { afterEach, expect } from 'vitest'
import { PATIENCE, test, useAgentRun, user } from './echo-page.tsx'

afterEach(cleanup)

test('the text of a run is the last message of its agent, and never one of its inputs', async ({ page }) => {
  const { runs } = page.client
  const run = await runs.create({ agentKey: 'echo', messages: user('Hi'), params: { times: 2 } })
  expect(await run.text()).toBe('HiHi')
  expect(await (await runs.create({ agentKey: 'echo', messages: user('show') })).text()).toBe('show')
  const history = [{ role: 'assistant' as const, content: 'Before' }, ...user('hush')]
  expect(await (await runs.create({ agentKey: 'echo', messages: history })).text()).toBe('')
  const failing = await runs.create({ agentKey: 'echo', messages: user('fail') })
  await expect(failing.text()).rejects.toMatchObject({ name: 'RunFailedError', code: 'failed' })
})

test('detaching stops following a run, and the run goes on', async ({ page }) => {
  const run = await page.client.runs.create({ agentKey: 'echo', messages: user('ask') })
  const result = run.result()
  const failure = result.catch((error: unknown) => error)
  const types: string[] = []
  for await (const { type } of run.events()) {
    types.push(type)
    if (type === 'run.waiting') run.detach()
  }
  expect(types).toEqual(['run.started', 'run.waiting'])
  expect(await failure).toMatchObject({ name: 'AbortError' })
  expect(await run.get()).toMatchObject({ status: 'waiting' })
  await run.respond('go', true)
  expect(await run.text()).toBe('ask')
})

test('an occurrence tells which of two waits with one name is answered', async ({ page }) => {
  const { runs } = page.client
  const [asked, shown] = [
    await runs.create({ agentKey: 'echo', messages: user('ask both') }),
    await runs.create({ agentKey: 'echo', messages: user('ask both') }),
  ]
  for await (const { type } of asked.events()) if (type === 'run.waiting') break
  await expect(asked.respond('go', true)).rejects.toMatchObject({ code: 'conflict' })
  await asked.respond('go', true, { occurrence: 2 })
  await asked.respond('go', false, { occurrence: 1 })
  expect(await asked.text()).toBe('false,true')

  const { result } = renderHook(() => useAgentRun(shown.id), { wrapper: page.wrapper })
  const occurrences = () => result.current.waits.map(({ occurrence }) => occurrence)
  await waitFor(() => expect(occurrences()).toEqual([undefined, 2]), PATIENCE)
  expect(await act(() => result.current.respond('go', true))).toBe(false)
  expect(result.current.error).toMatchObject({ code: 'conflict' })
  expect(occurrences()).toEqual([undefined, 2])
  expect(await act(() => result.current.respond('go', true, { occurrence: 2 }))).toBe(true)
  expect(occurrences()).not.toContain(2)
  await waitFor(() => expect(occurrences()).toEqual([undefined]), PATIENCE)
  expect(await act(() => result.current.respond('go', false, { occurrence: 1 }))).toBe(true)
  expect(await shown.text()).toBe('false,true')
})

test('a second click on an answer does not answer the next wait', async ({ page }) => {
  const run = await page.client.runs.create({ agentKey: 'echo', messages: user('ask twice') })
  const { result } = renderHook(() => useAgentRun(run.id), { wrapper: page.wrapper })
  const occurrences = () => result.current.waits.map(({ occurrence }) => occurrence)
  await waitFor(() => expect(occurrences()).toEqual([undefined]), PATIENCE)
  const shown = result.current
  expect(await act(() => shown.respond('go', true))).toBe(true)
  await waitFor(() => expect(occurrences()).toEqual([2]), PATIENCE)
  expect(await act(() => shown.respond('go', true))).toBe(false)
  expect(result.current.error).toMatchObject({ code: 'conflict' })
  expect(await act(() => result.current.respond('go', false))).toBe(true)
  expect(await run.text()).toBe('true,false')
})

test('a handle sends messages to a conversation and reads them', async ({ page }) => {
  const { id } = await page.client.conversations.create()
  const chat = page.client.conversations.of(id)
  await (await chat.send('One', { agentKey: 'echo' })).result()
  const run = await chat.send(user('Two'), { agentKey: 'echo', params: { times: 2 } })
  expect(await run.text()).toBe('TwoTwo')
  const contents = (await chat.messages()).map(({ content }) => content)
  expect(contents).toEqual(['One', 'One', 'Two', 'TwoTwo'])
  expect(await chat.messages({ limit: 1 })).toHaveLength(1)
})
