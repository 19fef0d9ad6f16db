import { describe, expect } from 'vitest'
import { z } from 'zod'
import { defineAgent, defineTool, ownersOnly, toolLoop } from '../../../../server/index.ts'
import { createScriptedModel } from '../../../../server/models/scripted.ts'
import type { Message, Principal } from '../../../../server/index.ts'
import type { TestServer } from '../../../support/runtime.ts'
import { test } from '../../../support/runtime.ts'
import { PUBLIC_PRINCIPAL } from '../../../../server/contract/principal.ts'

const look = defineTool({
  name: 'look',
  description: 'Looks.',
  input: z.object({ at: z.string() }),
  execute: ({ at }) => ({ found: at }),
})

const thinker = defineAgent({
  key: 'thinker',
  async run(ctx) {
    const model = createScriptedModel([
      { reasoning: 'I have to look.', toolCalls: [{ name: 'look', arguments: { at: 'x' } }] },
      { reasoning: 'There it is.', text: 'It is x.' },
    ])
    const reply = await toolLoop(ctx, { model, tools: [look] })
    return { output: null, messages: reply.messages }
  },
})

/** Gets an answer, and returns the conversation's id. */
async function answered(
  { rest }: Pick<TestServer, 'rest'>,
  where: Record<string, string> = { conversation: 'new' },
): Promise<string> {
  const { body } = await rest.post('runs/', {
    agent_key: 'thinker',
    ...where,
    messages: [{ role: 'user', content: 'Where?' }],
  })
  await rest.events(`runs/${String(body['id'])}/events/stream`)
  return String(body['conversation_id'])
}

const THOUGHT = [
  ['user', 'Where?'],
  ['assistant', [{ type: 'reasoning', text: 'I have to look.' }]],
  ['tool', '{"found":"x"}'],
  [
    'assistant',
    [
      { type: 'reasoning', text: 'There it is.' },
      { type: 'text', text: 'It is x.' },
    ],
  ],
]
const SAID = [
  ['user', 'Where?'],
  ['assistant', null],
  ['tool', '{"found":"x"}'],
  ['assistant', 'It is x.'],
]

async function historyOf({ rest }: Pick<TestServer, 'rest'>, id: string, query = '') {
  const { status, body } = await rest.get(`conversations/${id}/${query}`)
  if (status !== 200) return body['code']
  return (body['messages'] as Message[]).map(({ role, content }) => [role, content])
}

test('a history has thoughts, for readers of debug events who ask for them', async ({ createServer }) => {
  const server = await createServer({ agents: [thinker] })
  const id = await answered(server)
  expect(await historyOf(server, id)).toEqual(SAID)
  expect(await historyOf(server, id, '?include_debug=true')).toEqual(THOUGHT)
  const { conversations } = server.runtime
  const { messages } = await conversations.get(PUBLIC_PRINCIPAL, { conversationId: id, includeDebug: true })
  expect(messages.map(({ role, content }) => [role, content])).toEqual(THOUGHT)
})

test('it has it unasked where everybody is told', async ({ createServer }) => {
  const server = await createServer({
    agents: [thinker],
    config: { eventVisibility: { 'reasoning.delta': 'user' } },
  })
  expect(await historyOf(server, await answered(server))).toEqual(THOUGHT)
})

test('it has nothing of what the reader could not see live', async ({ createServer }) => {
  const server = await createServer({
    agents: [thinker],
    config: { eventVisibility: { 'reasoning.delta': 'internal' } },
  })
  expect(await historyOf(server, await answered(server), '?include_debug=true')).toEqual(SAID)
})

test('it has no thoughts for readers who may not see debug events', async ({ createServer }) => {
  const server = await createServer({
    agents: [thinker],
    authorize: async (...asked) => asked[1] !== 'includeDebug' && ownersOnly(...asked),
  })
  const id = await answered(server)
  expect(await historyOf(server, id, '?include_debug=true')).toEqual(SAID)
  expect(await historyOf(server, id)).toEqual(SAID)
})

describe('where the tenant sees conversations', () => {
  const authenticate = ({ headers }: Request): Principal => ({
    id: headers.get('x-user') ?? 'alice',
    tenantId: 'acme',
    kind: 'user',
  })
  const BOB = { 'x-user': 'bob' }

  for (const visibility of ['debug', 'user'] as const) {
    test(`but not runs, the others are told no thoughts, and nothing is asked (${visibility})`, async ({
      createServer,
    }) => {
      const asked: string[] = []
      const server = await createServer({
        agents: [thinker],
        authenticate,
        config: { eventVisibility: { 'reasoning.delta': visibility } },
        authorize: async (...question) => {
          const [{ id }, action, resource] = question
          if (action === 'includeDebug') asked.push(id)
          if (action === 'read') return resource.kind === 'conversation' ? 'tenant' : 'own'
          return action === 'includeDebug' || ownersOnly(...question)
        },
      })
      const id = await answered(server)
      const bob = server.as(BOB)
      for (const query of ['', '?include_debug=true']) expect(await historyOf(bob, id, query)).toEqual(SAID)
      expect(asked).toEqual([])
      expect(await historyOf(server, id, '?include_debug=true')).toEqual(THOUGHT)
      expect(asked).toEqual(['alice'])
    })
  }

  test('and may read no runs, it is as if nothing was thought', async ({ createServer }) => {
    const server = await createServer({
      agents: [thinker],
      authenticate,
      authorize: async (...question) => {
        const [{ id }, action, resource] = question
        if (action === 'read' && id === 'bob') return resource.kind === 'conversation' && 'tenant'
        return action === 'includeDebug' || ownersOnly(...question)
      },
    })
    const id = await answered(server)
    expect(await historyOf(server.as(BOB), id, '?include_debug=true')).toEqual(SAID)
  })

  test('and runs, too, a refusal about one run leaves out what was thought in it alone', async ({
    createServer,
  }) => {
    const bothAsked = Promise.withResolvers<void>()
    const runs: string[] = []
    const server = await createServer({
      agents: [thinker],
      authenticate,
      authorize: async (...question) => {
        const [, action, resource] = question
        if (action === 'read') return 'tenant'
        if (action !== 'includeDebug') return ownersOnly(...question)
        runs.push(resource.run.id)
        if (runs.length === 2) bothAsked.resolve()
        // The second is asked about before the first is answered.
        await bothAsked.promise
        return resource.run.id === runs.toSorted()[1]
      },
    })
    const id = await answered(server)
    await answered(server, { conversation_id: id })
    expect(await historyOf(server.as(BOB), id, '?include_debug=true')).toEqual([...SAID, ...THOUGHT])
  })
})
