import { describe, expect } from 'vitest'
import { z } from 'zod'
import { defineAgent, defineTool, ownersOnly, toolLoop } from '../../../../server/index.ts'
import type { Principal } from '../../../../server/index.ts'
import { createScriptedModel } from '../../../../server/models/scripted.ts'
import type { TestServer } from '../../../support/runtime.ts'
import { test } from '../../../support/runtime.ts'

const look = defineTool({
  name: 'look',
  description: 'Looks.',
  input: z.object({ at: z.string() }),
  execute: ({ at }) => ({ found: at }),
})

/** Fails after two answers that call a tool, of which the first also says something. */
const looker = defineAgent({
  key: 'looker',
  maxAttempts: 1,
  async run(ctx) {
    const model = createScriptedModel([
      { text: 'First.', toolCalls: [{ name: 'look', arguments: { at: 'x' } }] },
      { toolCalls: [{ name: 'look', arguments: { at: 'y' } }] },
    ])
    await toolLoop(ctx, { model, tools: [look], stopWhen: ({ steps }) => steps.length === 2 })
    throw new Error('out of order')
  },
})

async function answered({ rest }: Pick<TestServer, 'rest'>): Promise<string> {
  const { body } = await rest.post('runs/', {
    ...{ agent_key: 'looker', conversation: 'new' },
    messages: [{ role: 'user', content: 'Where?' }],
  })
  await rest.events(`runs/${String(body['id'])}/events/stream`)
  return String(body['conversation_id'])
}

interface Broken {
  message_id: string
  after_id: string
  calls: Record<string, unknown>[]
}

/** What was said, and by the message after which it came, the calls. */
async function historyOf({ rest }: Pick<TestServer, 'rest'>, id: string, query = '') {
  const { body } = await rest.get(`conversations/${id}/?include_failed_runs=true${query}`)
  const messages = body['messages'] as { id: string; content: unknown }[]
  const broken = body['broken_off'] as Broken[] | undefined
  const ids = messages.map((message) => message.id)
  return {
    said: messages.map(({ content }) => content),
    broken: broken?.map(({ after_id, message_id, calls }) => ({
      ...{ after: ids.indexOf(after_id), isStored: ids.includes(message_id) },
      calls: calls.map(({ tool_call_id: _id, tool: _tool, ...call }) => call),
    })),
  }
}

const SAID = ['Where?', 'First.']
const FIRST = { arguments: { at: 'x' }, result: { found: 'x' } }
const SECOND = { arguments: { at: 'y' }, result: { found: 'y' } }
const BROKEN = [
  { after: 1, isStored: true, calls: [FIRST] },
  { after: 1, isStored: false, calls: [SECOND] },
]
const DEBUG = '&include_debug=true'

test('the calls of a failed run are told to readers of debug events who ask for them', async ({
  createServer,
}) => {
  const server = await createServer({ agents: [looker] })
  const id = await answered(server)
  expect(await historyOf(server, id)).toEqual({ said: SAID, broken: undefined })
  expect(await historyOf(server, id, DEBUG)).toEqual({ said: SAID, broken: BROKEN })
})

test('those of an attempt that was tried again are left out', async ({ createServer }) => {
  const teller = defineAgent({
    key: 'looker',
    maxAttempts: 2,
    async run(ctx) {
      await ctx.emitMessage(`Try ${ctx.attempt}.`)
      await ctx.emit('tool.call', { toolCallId: 'call', tool: 'look', arguments: ctx.attempt })
      throw new Error('out of order')
    },
  })
  const server = await createServer({ agents: [teller], config: { retryDelaySeconds: 0 } })
  expect(await historyOf(server, await answered(server), DEBUG)).toEqual({
    said: ['Where?', 'Try 2.'],
    broken: [{ after: 1, isStored: true, calls: [{ arguments: 2 }] }],
  })
})

test('those on another page are not told', async ({ createServer }) => {
  const server = await createServer({ agents: [looker] })
  const id = await answered(server)
  expect(await historyOf(server, id, `${DEBUG}&limit=1`)).toEqual({
    said: ['First.'],
    broken: BROKEN.map((one) => ({ ...one, after: 0 })),
  })
  expect(await historyOf(server, id, `${DEBUG}&limit=1&offset=1`)).toEqual({
    said: ['Where?'],
    broken: undefined,
  })
})

describe('what a reader could not see live is not told', () => {
  test('by events that everybody sees, unasked', async ({ createServer }) => {
    const server = await createServer({
      agents: [looker],
      config: { eventVisibility: { 'tool.call': 'user' } },
    })
    const id = await answered(server)
    const withoutResults = BROKEN.map(({ calls, ...one }) => ({
      ...one,
      calls: calls.map((call) => ({ arguments: call.arguments })),
    }))
    expect((await historyOf(server, id)).broken).toEqual(withoutResults)
    expect((await historyOf(server, id, DEBUG)).broken).toEqual(BROKEN)
  })

  test('by internal events', async ({ createServer }) => {
    const server = await createServer({
      agents: [looker],
      config: { eventVisibility: { 'tool.call': 'internal' } },
    })
    expect((await historyOf(server, await answered(server), DEBUG)).broken).toBeUndefined()
  })

  test('to who may see no debug events', async ({ createServer }) => {
    const server = await createServer({
      agents: [looker],
      authorize: async (...asked) => asked[1] !== 'includeDebug' && ownersOnly(...asked),
    })
    expect((await historyOf(server, await answered(server), DEBUG)).broken).toBeUndefined()
  })

  test('to who may read the conversation but not its runs', async ({ createServer }) => {
    const server = await createServer({
      agents: [looker],
      authenticate: ({ headers }: Request): Principal => ({
        ...{ id: headers.get('x-user') ?? 'alice', tenantId: 'acme', kind: 'user' },
      }),
      authorize: async (...question) => {
        const [, action, resource] = question
        if (action === 'read') return resource.kind === 'conversation' ? 'tenant' : 'own'
        return action === 'includeDebug' || ownersOnly(...question)
      },
    })
    const id = await answered(server)
    expect((await historyOf(server, id, DEBUG)).broken).toEqual(BROKEN)
    const bob = server.as({ 'x-user': 'bob' })
    expect(await historyOf(bob, id, DEBUG)).toEqual({ said: SAID, broken: undefined })
  })
})
