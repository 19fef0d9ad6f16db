// Messages have ids, so that live and stored ones can be matched, and parents, which make a tree.
import { describe, expect } from 'vitest'
import { defineAgent, defineTool, toolLoop } from '../../../../server/index.ts'
import { z } from 'zod'
import { createScriptedModel } from '../../../../testing/index.ts'
import type { RestEvent } from '../../../support/rest-client.ts'
import { test } from '../../../support/runtime.ts'

const look = defineTool({ name: 'look', description: 'Looks', input: z.object({}), execute: () => 'rain' })

const loop = defineAgent({
  key: 'loop',
  async run(ctx) {
    return { messages: (await toolLoop(ctx, { tools: [look] })).messages }
  },
})

/** Says the same text twice, and one text with an id of its own. */
const speaker = defineAgent({
  key: 'speaker',
  async run(ctx) {
    await ctx.emitMessage('Hm.')
    await ctx.emitMessage('Hm.')
    await ctx.emit('assistant.message', { messageId: 'mine', content: 'Well.' })
    return {
      messages: [
        { role: 'assistant', content: 'Hm.' },
        { role: 'assistant', content: 'Hm.' },
        { role: 'assistant', content: 'Not what was told.', id: 'mine' },
        { role: 'assistant', content: 'Told by none.', id: 'mine' },
      ],
    }
  },
})

const user = (content: string) => ({ role: 'user' as const, content })

const idsOf = (events: readonly RestEvent[]) =>
  events.flatMap((event) => (event.type === 'assistant.message' ? event['message_id'] : []))

interface Kept {
  id: string
  role: string
  run_id: string
  parent_id: string | null
  timestamp: string
}

describe('a message', () => {
  test('has the id of its events, and one of its own where it has none', async ({ createServer }) => {
    const model = createScriptedModel([
      { text: 'I look.', toolCalls: [{ name: 'look', arguments: {} }] },
      { text: 'It rains.' },
    ])
    const { rest, trpc } = await createServer({ agents: [loop, speaker], model })
    const runId = await rest.create('loop', { messages: [user('Weather?')] })
    const told = idsOf(await rest.events(`runs/${runId}/events?include_all=1`))
    const { messages } = await trpc.client.runs.get.query({ runId })
    expect(messages.map(({ role }) => role)).toEqual(['user', 'assistant', 'tool', 'assistant'])
    expect([messages[1]?.id, messages[3]?.id]).toEqual(told)
    expect(new Set(messages.map(({ id }) => id)).size).toBe(4)
    expect(new Set(messages.map((message) => message.runId))).toEqual(new Set([runId]))

    const other = await rest.create('speaker', {})
    const saidAs = idsOf(await rest.events(`runs/${other}/events`))
    const { messages: kept } = await trpc.client.runs.get.query({ runId: other })
    expect(kept.slice(0, 3).map(({ id }) => id)).toEqual(saidAs)
    expect(new Set(kept.map(({ id }) => id)).size).toBe(4)
  })

  test('is the same in the run and in the conversation, where each follows another', async ({
    createServer,
  }) => {
    const { rest, trpc } = await createServer({ agents: [speaker] })
    const conversation = String((await rest.post('conversations', {})).body['id'])
    const runs: Kept[] = []
    for (const text of ['one', 'two']) {
      const id = await rest.create('speaker', { conversation_id: conversation, messages: [user(text)] })
      await rest.events(`runs/${id}/events`)
      const { messages } = await trpc.client.runs.get.query({ runId: id })
      for (const { runId, createdAt, ...message } of messages) {
        runs.push({ ...message, run_id: runId, timestamp: createdAt, parent_id: null })
      }
    }
    const history = (await rest.get(`conversations/${conversation}`)).body['messages'] as Kept[]
    expect(history).toEqual(
      runs.map((message, index) => ({ ...message, parent_id: runs[index - 1]?.id ?? null })),
    )
    // A window names the parent of its oldest message, though it does not contain that.
    for (const [limit, offset] of [
      [3, 0],
      [3, 2],
      [1, 9],
      [20, 8],
    ] as const) {
      const window = { conversationId: conversation, limit, offset }
      const page = await trpc.client.conversations.get.query(window)
      const shown = history.slice(0, history.length - offset).slice(-limit)
      expect(page.messages.map(({ id, parentId }) => [id, parentId])).toEqual(
        shown.map(({ id, parent_id }) => [id, parent_id]),
      )
    }
  })
})
