// Clients of stateless APIs send the whole history with each question. A conversation already has it, and
// does not store it twice.
import { describe, expect } from 'vitest'
import { z } from 'zod'
import { defineAgent, defineTool, textOf, toolLoop } from '../../../../server/index.ts'
import type { Message } from '../../../../server/index.ts'
import { createScriptedModel } from '../../../../server/models/scripted.ts'
import type { RestClient } from '../../../support/rest-client.ts'
import { test } from '../../../support/runtime.ts'
import { said } from '../../../support/said.ts'

function createParrot() {
  const given: string[][] = []
  const parrot = defineAgent({
    key: 'parrot',
    async run(ctx) {
      given.push(ctx.messages.map((message) => textOf(message)))
      const told = textOf(ctx.messages.at(-1))
      if (told.startsWith('wait')) {
        await ctx.emit('assistant.delta', { messageId: `m-${ctx.runId}`, content: 'Hm, ' })
        await new Promise((resolve) => ctx.signal.addEventListener('abort', resolve))
      }
      return { messages: [{ role: 'assistant', content: `${told}!` }] }
    },
  })
  return { parrot, given }
}

const user = (content: string) => ({ role: 'user' as const, content })
const assistant = (content: string) => ({ role: 'assistant' as const, content })

async function begin(rest: RestClient) {
  const id = String((await rest.post('conversations', {})).body['id'])
  const post = (messages: unknown[], more: object = {}) =>
    rest.post('runs', { agent_key: 'parrot', conversation_id: id, messages, ...more })
  return {
    id,
    post,
    async ask(messages: unknown[], more: object = {}) {
      const { status, body } = await post(messages, more)
      expect(status).toBe(201)
      await rest.events(`runs/${String(body['id'])}/events`)
      return body as { id: string; input: { messages: unknown[] } }
    },
    texts: async () =>
      ((await rest.get(`conversations/${id}`)).body['messages'] as { content: string }[]).map(
        ({ content }) => content,
      ),
  }
}

describe('a history that is sent again', () => {
  test('is not doubled, over REST', async ({ createServer }) => {
    const { parrot, given } = createParrot()
    const { rest } = await createServer({ agents: [parrot] })
    const { ask, texts } = await begin(rest)
    const system = { role: 'system', content: 'Be a parrot.' }
    await ask([system, user('a')])
    const second = await ask([system, user('a'), assistant('a!'), user('b')])
    expect(second.input.messages).toEqual([user('b')])
    expect((await rest.get(`runs/${second.id}`)).body['input']).toMatchObject({ messages: [user('b')] })
    // OpenAI now calls system "developer", and a text may come in parts.
    await ask([
      { role: 'developer', content: 'Be a parrot.' },
      { role: 'user', content: [{ type: 'text', text: 'a' }] },
      assistant('a!'),
      user('b'),
      assistant('b!'),
      user('c'),
      user('d'),
    ])
    expect(given.at(-1)).toEqual(['Be a parrot.', 'a', 'a!', 'b', 'b!', 'c', 'd'])
    expect(await texts()).toEqual(['Be a parrot.', 'a', 'a!', 'b', 'b!', 'c', 'd', 'd!'])
  })

  test('is not doubled over tRPC, and by code on the server', async ({ createServer }) => {
    const { parrot, given } = createParrot()
    const { rest, trpc, runtime } = await createServer({ agents: [parrot] })
    const { id: conversationId, ask } = await begin(rest)
    await ask([user('a')])
    const create = { agentKey: 'parrot', conversationId } as const
    const run = await trpc.client.runs.create.mutate({
      ...create,
      messages: [user('a'), assistant('a!'), user('b')],
    })
    await rest.events(`runs/${run.id}/events`)
    const { messages } = await trpc.client.conversations.get.query({ conversationId })
    const principal = { id: 'public', tenantId: '', kind: 'user' } as const
    const third = await runtime.runs.create(
      { ...principal, ...run.owner },
      { ...create, messages: [...said(messages), user('c')] as Message[] },
    )
    expect(third.alreadySaid).toBe(4)
    await rest.events(`runs/${third.run.id}/events`)
    expect(given.at(-1)).toEqual(['a', 'a!', 'b', 'b!', 'c'])
  })

  test.for<[string, unknown[]]>([
    ['of which a part is missing', [user('a'), user('b')]],
    ['that is no longer than what is there', [user('a'), assistant('a!')]],
    ['that says something else', [user('a'), assistant('A!'), user('b')]],
    ['in which somebody else says it', [user('a'), user('a!'), user('b')]],
    ['that goes on before it is over', [user('a'), assistant('a!'), user('b'), assistant('b'), user('c')]],
  ])('is kept as it is where it is another: %s', async ([, sent], { createServer }) => {
    const { parrot } = createParrot()
    const { rest } = await createServer({ agents: [parrot] })
    const { ask, post } = await begin(rest)
    await ask([user('a')])
    if (sent.length > 4) await ask([user('b')])
    const { body } = await post(sent)
    expect(body['input']).toMatchObject({ messages: sent })
    await rest.events(`runs/${String(body['id'])}/events`)
  })

  test('leaves a run that takes the place of something, or is outside of conversations, alone', async ({
    createServer,
  }) => {
    const { parrot } = createParrot()
    const { rest } = await createServer({ agents: [parrot] })
    const { ask } = await begin(rest)
    const { id } = await ask([user('a')])
    const sent = [user('a'), assistant('a!'), user('b')]
    expect((await ask(sent, { replaces: `${id}:0` })).input.messages).toEqual(sent)
    expect((await ask(sent, { conversation_id: null })).input.messages).toEqual(sent)
  })

  test('has what its reader was shown, without the tools between', async ({ createServer }) => {
    const look = defineTool({
      name: 'look',
      description: 'Looks at the sky',
      input: z.object({}),
      execute: () => ({ sky: 'clear' }),
    })
    const given: (readonly Message[])[] = []
    const weather = defineAgent({
      key: 'parrot',
      async run(ctx) {
        given.push(ctx.messages)
        const { messages } = await toolLoop(ctx, { tools: [look] })
        return { messages }
      },
    })
    const model = createScriptedModel([
      { toolCalls: [{ id: 'c1', name: 'look', arguments: {} }] },
      { text: 'It is clear.' },
      { text: 'Yes.' },
      { text: 'Sure.' },
    ])
    const { rest } = await createServer({ agents: [weather], model })
    const { ask, id } = await begin(rest)
    await ask([user('Weather?')])
    const shown = [user('Weather?'), assistant('It is clear.')]
    expect((await ask([...shown, user('Really?')])).input.messages).toEqual([user('Really?')])
    expect(given.at(-1)?.map(({ role }) => role)).toEqual(['user', 'assistant', 'tool', 'assistant', 'user'])
    // Also with them, as they are read.
    const { messages } = (await rest.get(`conversations/${id}`)).body as { messages: object[] }
    expect((await ask([...messages, user('Sure?')])).input.messages).toEqual([user('Sure?')])
  })

  test('may have what a run under way has said so far, or had when it was stopped', async ({
    createServer,
  }) => {
    const { parrot, given } = createParrot()
    const { rest } = await createServer({ agents: [parrot] })
    const { ask, post, texts } = await begin(rest)
    const { body } = await post([user('wait')])
    await (await rest.stream(`runs/${String(body['id'])}/events`)).until('assistant.delta')
    const interrupt = { conversation_policy: 'interrupt' }
    const next = await ask([user('wait'), assistant('Hm'), user('go')], interrupt)
    expect(next.input.messages).toEqual([user('go')])
    expect(given.at(-1)).toEqual(['wait', 'Hm, ', 'go'])
    // The client may not have received the last deltas.
    const sent = [user('wait'), assistant('Hm'), user('go'), assistant('go!'), user('on')]
    expect((await ask(sent)).input.messages).toEqual([user('on')])
    expect(await texts()).toEqual(['wait', 'Hm, ', 'go', 'go!', 'on', 'on!'])
  })

  test.for<[string, unknown[]]>([
    ['what runs had not said anything', []],
    ['its answer so far is sent too', [assistant('Hm, ')]],
  ])('is kept of what waits and is interrupted: %s', async ([, shown], { createServer }) => {
    const { parrot, given } = createParrot()
    const { rest } = await createServer({ agents: [parrot] })
    const { ask, post, texts } = await begin(rest)
    const { body } = await post([user('wait')])
    await (await rest.stream(`runs/${String(body['id'])}/events`)).until('assistant.delta')
    await post([user('b')])
    const sent = [user('wait'), ...shown, user('b'), user('c')]
    const next = await ask(sent, { conversation_policy: 'interrupt' })
    expect(next.input.messages).toEqual([user('b'), user('c')])
    expect(given.at(-1)).toEqual(['wait', 'Hm, ', 'b', 'c'])
    expect(await texts()).toEqual(['wait', 'Hm, ', 'b', 'c', 'c!'])
  })

  test('is kept where it interrupts a run that has not begun', async ({ createServer }) => {
    const { parrot, given } = createParrot()
    const { rest } = await createServer({ agents: [parrot] })
    const { ask, post } = await begin(rest)
    await post([user('a')], { run_at: new Date(Date.now() + 3_600_000).toISOString() })
    const sent = [user('a'), user('b')]
    expect((await ask(sent, { conversation_policy: 'interrupt' })).input.messages).toEqual(sent)
    expect(given).toEqual([['a', 'b']])
  })

  test('is the same request when it is repeated by its key', async ({ createServer }) => {
    const { parrot } = createParrot()
    const { rest } = await createServer({ agents: [parrot] })
    const { ask, post, texts } = await begin(rest)
    await ask([user('a')])
    const sent = [user('a'), assistant('a!'), user('b')]
    const first = await ask(sent, { idempotency_key: 'k' })
    const again = await post(sent, { idempotency_key: 'k' })
    expect([again.status, again.body['id']]).toEqual([200, first.id])
    expect((await post([user('b')], { idempotency_key: 'k' })).status).toBe(409)
    expect(await texts()).toEqual(['a', 'a!', 'b', 'b!'])
  })

  test('is compared with the history at the moment of its creation', async ({ createServer }) => {
    const { parrot } = createParrot()
    const [{ rest }, { rest: other }] = await Promise.all([
      createServer({ agents: [parrot] }),
      createServer({ agents: [parrot], worker: false }),
    ])
    const { ask, id } = await begin(rest)
    await ask([user('a')])
    const sent = [user('a'), assistant('a!'), user('b')]
    const body = { agent_key: 'parrot', conversation_id: id, messages: sent }
    const answers = await Promise.all([rest, other, rest, other].map((server) => server.post('runs', body)))
    // One of them continued from the sent history. For the others, the conversation had changed by then.
    const sizes = answers.map(({ body: run }) => (run['input'] as { messages: unknown[] }).messages.length)
    expect(sizes.toSorted((a, b) => a - b)).toEqual([1, 3, 3, 3])
    for (const { body: run } of answers) await rest.events(`runs/${String(run['id'])}/events`)
  })
})
