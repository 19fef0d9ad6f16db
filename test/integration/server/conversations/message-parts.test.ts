// Messages with more than text, from the caller to the agent and back.
import { describe, expect } from 'vitest'
import { defineAgent } from '../../../../server/index.ts'
import type { AgentMessage } from '../../../../server/index.ts'
import { outputOf } from '../../../support/rest-client.ts'
import { test } from '../../../support/runtime.ts'
import { said } from '../../../support/said.ts'

/** The only principal without `authenticate`. */
const NOBODY = { id: 'public', tenantId: '', kind: 'public' } as const
const PNG = 'data:image/png;base64,iVBO'

/** Answers in parts, and returns what it was given. */
const echo = defineAgent({
  key: 'echo',
  async run(ctx) {
    const answer: AgentMessage = {
      role: 'assistant',
      content: [
        { type: 'text', text: 'A cat.' },
        { type: 'image', url: PNG },
      ],
    }
    return { output: JSON.stringify(ctx.messages), messages: [answer] }
  },
})

const ASKED = {
  role: 'user',
  name: 'ada',
  content: [
    { type: 'text', text: 'What is this?' },
    { type: 'image_url', image_url: { url: PNG, detail: 'low' } },
    { type: 'file', file: { file_data: 'data:application/pdf;base64,JVBE', filename: 'a.pdf' } },
  ],
}
const GIVEN = {
  role: 'user',
  name: 'ada',
  content: [
    { type: 'text', text: 'What is this?' },
    { type: 'image', url: PNG, detail: 'low' },
    { type: 'file', url: 'data:application/pdf;base64,JVBE', filename: 'a.pdf' },
  ],
}

test('REST has them as OpenAI’s chat does, code and the agent as the runtime', async ({ createServer }) => {
  const { rest, runtime } = await createServer({ agents: [echo] })
  const conversation = String((await rest.post('conversations', {})).body['id'])
  const id = await rest.create('echo', { messages: [ASKED], conversation_id: conversation })
  const read = async () => (await rest.get(`runs/${id}`)).body
  await expect.poll(async () => (await read())['status']).toBe('succeeded')
  const run = await read()
  expect(JSON.parse(outputOf(run) as string)).toEqual([GIVEN])
  const answered = {
    role: 'assistant',
    content: [
      { type: 'text', text: 'A cat.' },
      { type: 'image_url', image_url: { url: PNG } },
    ],
  }
  expect(run).toMatchObject({ input: { messages: [ASKED] }, output: { final_messages: [answered] } })
  const { body } = await rest.get(`conversations/${conversation}`)
  expect(said(body['messages'])).toEqual([ASKED, answered])
  expect(said((await runtime.runs.get(NOBODY, id)).messages)[0]).toEqual(GIVEN)

  // The next run gets them as history.
  const next = await rest.create('echo', {
    messages: [{ role: 'user', content: 'And now?' }],
    conversation_id: conversation,
  })
  const readNext = async () => (await rest.get(`runs/${next}`)).body
  await expect.poll(async () => (await readNext())['status']).toBe('succeeded')
  expect(JSON.parse(outputOf(await readNext()) as string)).toMatchObject([
    GIVEN,
    { role: 'assistant' },
    { role: 'user' },
  ])
})

describe('a part that is none is refused, and told by its path', () => {
  test.for<[string, object, string]>([
    ['of no known type', { type: 'video', url: PNG }, 'messages.0.content.0.type'],
    ['with a path for a URL', { type: 'image', url: '/etc/passwd' }, 'messages.0.content.0.url'],
    ['that is a script', { type: 'file', url: 'javascript:alert(1)' }, 'messages.0.content.0.url'],
    ['with neither URL nor id', { type: 'file', filename: 'a' }, 'messages.0.content.0'],
    ['that only an assistant has', { type: 'reasoning', text: 'Hm.' }, 'messages.0.content.0.type'],
  ])('%s', async ([, part, path], { createServer }) => {
    const { runtime } = await createServer({ agents: [echo], worker: false })
    const messages = [{ role: 'user' as const, content: [part] as never }]
    await expect(runtime.runs.create(NOBODY, { agentKey: 'echo', messages })).rejects.toMatchObject({
      details: [expect.objectContaining({ path })],
    })
  })

  test('and so is a list of none, over REST too', async ({ createServer }) => {
    const { rest } = await createServer({ agents: [echo], worker: false })
    const answer = await rest.post('runs', { agent_key: 'echo', messages: [{ role: 'user', content: [] }] })
    expect(answer).toMatchObject({ status: 400, body: { details: [{ path: 'messages.0.content' }] } })
    const wrong = {
      agent_key: 'echo',
      messages: [{ role: 'user', content: [{ type: 'image_url', image_url: PNG }] }],
    }
    expect(await rest.post('runs', wrong)).toMatchObject({
      status: 400,
      body: { details: [{ path: 'messages.0.content.0.image_url' }] },
    })
  })
})
