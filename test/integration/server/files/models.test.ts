// What models get of uploaded files.
import { expect } from 'vitest'
import { toAnthropicPrompt } from '../../../../server/models/anthropic/messages.ts'
import { toChatMessage } from '../../../../server/models/openai/messages.ts'
import { createScriptedModel } from '../../../../server/models/scripted.ts'
import { defineAgent, toolLoop } from '../../../../server/index.ts'
import type { AgentMessage } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'
import { form } from './places.ts'

const chat = defineAgent({
  key: 'chat',
  async run(ctx) {
    const { messages } = await toolLoop(ctx)
    return { messages }
  },
})
const PNG = Buffer.from('iVBORw0KGgo=', 'base64')
const IMAGE = `data:image/png;base64,${PNG.toString('base64')}`

test('the bytes, in the form that each provider takes, in this run and in those that follow', async ({
  createServer,
  database,
}) => {
  const model = createScriptedModel([{ text: 'A cat.' }, { text: 'A cat.' }, { text: 'Where is it?' }])
  const { rest } = await createServer({ agents: [chat], model })
  const conversation = String((await rest.post('conversations', {})).body['id'])
  const fields = {
    agent_key: 'chat',
    conversation_id: conversation,
    messages: '[{"role":"user","content":"What is it?"}]',
  }
  const created = await rest.send('runs/', {
    method: 'POST',
    body: form(fields, ['cat.png', 'image/png', PNG], ['notes.txt', 'text/plain; charset=utf-8', 'A cat?']),
  })
  const { id } = (await created.json()) as { id: string }
  await rest.events(`runs/${id}/events`)
  const next = await rest.create('chat', {
    conversation_id: conversation,
    messages: [{ role: 'user', content: 'Sure?' }],
  })
  await rest.events(`runs/${next}/events`)

  for (const { messages } of model.requests) {
    const [asked] = messages as [AgentMessage]
    expect(asked.content).toEqual([
      { type: 'text', text: 'What is it?' },
      { type: 'image', url: IMAGE },
      {
        type: 'file',
        url: `data:text/plain;base64,${Buffer.from('A cat?').toString('base64')}`,
        filename: 'notes.txt',
      },
    ])
    expect(toChatMessage(asked).content).toContainEqual({ type: 'image_url', image_url: { url: IMAGE } })
    expect(toAnthropicPrompt([asked]).messages[0]?.content).toEqual([
      { type: 'text', text: 'What is it?' },
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG.toString('base64') } },
      {
        type: 'document',
        source: { type: 'text', media_type: 'text/plain', data: 'A cat?' },
        title: 'notes.txt',
      },
    ])
  }
  // The message stores nothing of that.
  const [stored] = await database.sql<{ bytes: number }>(
    `SELECT max(length(body::text)) AS bytes FROM agent_runtime.message`,
  )
  expect(stored?.bytes).toBeLessThan(500)

  // The model is told which file was deleted, and the conversation continues.
  const { body } = await rest.get('files')
  for (const file of body['results'] as { id: string }[]) await rest.request('DELETE', `files/${file.id}`)
  const last = await rest.create('chat', {
    conversation_id: conversation,
    messages: [{ role: 'user', content: 'Sure?' }],
  })
  await rest.events(`runs/${last}/events`)
  const gone = { type: 'text', text: '[A file that was here has been deleted.]' }
  expect(model.requests.at(-1)?.messages[0]?.content).toEqual([
    { type: 'text', text: 'What is it?' },
    gone,
    gone,
  ])
})

test('the newest, where all of them are too much', { timeout: 180_000 }, async ({ createServer }) => {
  const model = createScriptedModel([{ text: 'Fine.' }])
  const { rest } = await createServer({ agents: [chat], model })
  const large = Buffer.alloc(11 * 1024 * 1024, 'x')
  const created = await rest.send('runs/', {
    method: 'POST',
    body: form(
      { agent_key: 'chat' },
      ['a.txt', 'text/plain', large],
      ['b.txt', 'text/plain', large],
      ['c.txt', 'text/plain', 'c'],
    ),
  })
  const { id } = (await created.json()) as { id: string }
  const events = await rest.events(`runs/${id}/events`)
  expect(events.at(-1)?.type).toBe('run.succeeded')
  const content = model.requests[0]?.messages[0]?.content
  expect(content).toMatchObject([
    { type: 'text', text: expect.stringContaining('"a.txt"') },
    { type: 'file', filename: 'b.txt' },
    { type: 'file', filename: 'c.txt' },
  ])
})
