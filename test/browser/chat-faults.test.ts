// What the chat page does with an answer when something goes wrong on the way.
import { expect, test } from 'vitest'
import type { ChatScene } from './chat-scene.ts'
import { QUESTION, answer, answers, grown, openChat, ready, streaming } from './chat-scene.ts'
import { shareScene } from './shared-scene.ts'

let scene: ChatScene
shareScene(async () => (scene = await openChat()))

test('a reload in the middle of an answer goes on with it', async () => {
  await using chat = await scene.visit()
  const { page } = chat
  const question = `${QUESTION} But hold reloaded.`
  await chat.send(question)
  const before = await grown(page, 0)
  await page.reload()
  await grown(page, before - 1)
  expect(await page.locator('.message.user').allTextContents()).toEqual([question])
  await scene.release('reloaded')
  await ready(page)
  expect((await answer(page).textContent())?.length).toBeGreaterThan(before)
  expect(await page.locator('.message').count()).toBe(2)
})

test('a lost connection is told, and made good by itself', async () => {
  await using chat = await scene.visit()
  const { page } = chat
  const question = `${QUESTION} But hold lost.`
  await chat.send(question)
  const before = await grown(page, 0)
  scene.proxy.refuse(true)
  scene.proxy.cut()
  await page.getByText('Reconnecting').waitFor()
  await chat.picture('reconnecting')
  expect((await streaming(page).textContent())?.length).toBeGreaterThanOrEqual(before)
  scene.proxy.refuse(false)
  await scene.release('lost')
  await ready(page)
  const text = (await answer(page).textContent()) ?? ''

  await chat.send(question)
  await answers(page).nth(1).waitFor()
  await ready(page)
  expect(await answer(page).textContent()).toBe(text)
})

test('an answer that broke off is not shown beside the one of the retry', async () => {
  await using chat = await scene.visit()
  const { page } = chat
  // Noted at each change of the page: a state that is over soon would be missed by whoever looks now and then.
  await page.evaluate(() => {
    const seen = { answers: [] as number[], overloaded: false }
    new MutationObserver(() => {
      const answers = document.querySelectorAll('.message.assistant:not(.thinking)').length
      if (answers !== seen.answers.at(-1)) seen.answers.push(answers)
      seen.overloaded ||= document.body.textContent.includes('Overloaded')
    }).observe(document.body, { subtree: true, childList: true, characterData: true })
    Object.assign(globalThis, { seen })
  })
  await chat.send('How do I define an agent? Please hold told, then stumble.')
  await grown(page, 0)
  await scene.release('told')
  await ready(page)
  await chat.picture('retried')
  const seen = await page.evaluate(
    () => (globalThis as unknown as { seen: { answers: number[]; overloaded: boolean } }).seen,
  )
  // The answer came, was taken away when its attempt failed, and came again.
  expect(seen).toEqual({ answers: [0, 1, 0, 1], overloaded: false })
})

test('a page with a plain EventSource shows one answer after a retry, and knows when it is over', async () => {
  await using chat = await scene.visit()
  const shown = await chat.page.evaluate(async () => {
    const response = await fetch('/api/agents/runs/', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        agent_key: 'assistant',
        messages: [{ role: 'user', content: 'How do I define an agent? You may stumble.' }],
      }),
    })
    const { id } = (await response.json()) as { id: string }
    const source = new EventSource(`/api/agents/runs/${id}/events/`)
    const texts = new Map<string, string>()
    const types: string[] = []
    const on = (type: string, take: (data: Record<string, unknown>) => void) =>
      source.addEventListener(type, ({ data }: MessageEvent<string>) => {
        types.push(type)
        take(JSON.parse(data) as Record<string, unknown>)
      })
    const idOf = (data: Record<string, unknown>) => String(data['message_id'])
    on('assistant.delta', (data) =>
      texts.set(idOf(data), (texts.get(idOf(data)) ?? '') + String(data['content'])),
    )
    on('assistant.message', (data) => texts.set(idOf(data), String(data['content'])))
    on('run.started', () => {})
    on('run.retrying', (data) => {
      for (const gone of data['message_ids'] as string[]) texts.delete(gone)
    })
    await new Promise<void>((resolve) => on('run.succeeded', () => resolve()))
    source.close()
    return { answers: [...texts.values()], lifecycle: types.filter((type) => type.startsWith('run.')) }
  })
  expect(shown.lifecycle).toEqual(['run.started', 'run.retrying', 'run.started', 'run.succeeded'])
  expect(shown.answers).toHaveLength(1)
  expect(shown.answers[0]).toMatch(/^An agent is/)
})
