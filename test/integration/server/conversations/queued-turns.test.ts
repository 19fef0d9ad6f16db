// Lists, moves and drops the runs that wait for their turn in a conversation.
import { describe, expect } from 'vitest'
import { createAgentClient } from '../../../../client/index.ts'
import { defineAgent, textOf } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'
import type { CreateServer } from '../../../support/runtime.ts'

/**
 * An agent that repeats its input and holds its first run. The other runs of the conversation wait behind it.
 */
async function begin(createServer: CreateServer, waiting: readonly string[]) {
  const released = Promise.withResolvers<void>()
  const given: string[][] = []
  const parrot = defineAgent({
    key: 'parrot',
    async run(ctx) {
      given.push(ctx.messages.map((message) => textOf(message)))
      const told = textOf(ctx.messages.at(-1))
      if (told === 'first') await released.promise
      return { messages: [{ role: 'assistant', content: `${told}!` }] }
    },
  })
  const server = await createServer({ agents: [parrot] })
  const { rest } = server
  const conversationId = String((await rest.post('conversations', {})).body['id'])
  const ask = (text: string, more: object = {}) =>
    rest.create('parrot', {
      conversation_id: conversationId,
      messages: [{ role: 'user', content: text }],
      ...more,
    })
  const runs: Record<string, string> = {}
  for (const text of ['first', ...waiting]) runs[text] = await ask(text)
  await (await rest.stream(`runs/${runs['first']}/events?include_all=1`)).until('run.started')
  const idOf = (text: string) => runs[text] ?? text
  const queue = `conversations/${conversationId}/queue`
  const texts = (body: Record<string, unknown>) =>
    (body['results'] as { text: string }[]).map(({ text }) => text)
  return {
    ...server,
    conversationId,
    ask,
    idOf,
    given,
    queue: async () => texts((await rest.get(queue)).body),
    async move(text: string, place: { before?: string; after?: string }, by = rest) {
      const [[side, other] = ['before', '']] = Object.entries(place)
      const { status, body } = await by.post(queue, { run_id: idOf(text), [side]: idOf(other) })
      return status === 200 ? texts(body) : [status, body['code']]
    },
    async finish() {
      released.resolve()
      for (const id of Object.values(runs)) await rest.events(`runs/${id}/events`)
      const { messages } = (await rest.get(`conversations/${conversationId}`)).body as {
        messages: { content: string; parent_id: string | null }[]
      }
      return messages.map(({ content }) => content)
    },
  }
}

describe('runs that wait for their turn', () => {
  test('are listed in order, over REST and tRPC', async ({ createServer }) => {
    const { rest, trpc, conversationId, idOf, queue, finish } = await begin(createServer, ['a', 'b'])
    const { body } = await rest.get(`conversations/${conversationId}/queue`)
    expect(body['results']).toMatchObject([
      { run_id: idOf('a'), agent_key: 'parrot', text: 'a' },
      { run_id: idOf('b'), agent_key: 'parrot', text: 'b' },
    ])
    const listed = await trpc.client.conversations.queue.query({ conversationId })
    expect(listed.map(({ runId }) => runId)).toEqual([idOf('a'), idOf('b')])
    await finish()
    expect(await queue()).toEqual([])
  })

  test('are moved: they go, are shown and are given to agents in the new order', async ({ createServer }) => {
    const { move, queue, finish, given, trpc, conversationId, idOf } = await begin(createServer, [
      'a',
      'b',
      'c',
    ])
    expect(await move('c', { before: 'a' })).toEqual(['c', 'a', 'b'])
    expect(await move('a', { after: 'b' })).toEqual(['c', 'b', 'a'])
    expect(await move('a', { before: 'a' })).toEqual(['c', 'b', 'a'])
    const moved = await trpc.client.conversations.move.mutate({
      conversationId,
      runId: idOf('a'),
      after: idOf('c'),
    })
    expect(moved.map(({ text }) => text)).toEqual(['c', 'a', 'b'])
    expect(await queue()).toEqual(['c', 'a', 'b'])
    expect(await finish()).toEqual(['first', 'first!', 'c', 'c!', 'a', 'a!', 'b', 'b!'])
    expect(given.at(-1)).toEqual(['first', 'first!', 'c', 'c!', 'a', 'a!', 'b'])
  })

  test('keep their place in what follows the conversation', async ({ createServer }) => {
    const { move, finish, rest, conversationId, idOf, ask } = await begin(createServer, ['a', 'b', 'c'])
    const path = `conversations/${conversationId}/events`
    const begun = await rest.stream(path)
    const seen: string[] = []
    let cursor = ''
    while (seen.length < 2) {
      const event = await begun.next()
      cursor = String(event?.cursor)
      if (event?.type === 'run.created') seen.push(String(event['run_id']))
    }
    await begun.close()
    await move('c', { before: 'a' })
    await finish()
    const last = await ask('last')
    const resumed = await rest.stream(`${path}?after=${cursor}`)
    const ended = new Set<string>()
    while (!ended.has(last)) {
      const event = await resumed.next()
      if (event?.type === 'run.created') seen.push(String(event['run_id']))
      if (event?.type === 'run.succeeded') ended.add(String(event['run_id']))
    }
    await resumed.close()
    expect(seen).toEqual([...['first', 'a', 'b', 'c'].map(idOf), last])
    expect(ended.size).toBe(5)
  })

  test('tell all followers of the conversation that they were moved, on two servers and over both transports', async ({
    createServer,
  }) => {
    const { move, queue, finish, rest, conversationId, idOf, runtime } = await begin(createServer, [
      'a',
      'b',
      'c',
    ])
    const other = await createServer({ agents: [...runtime.agents], worker: false })
    const path = `conversations/${conversationId}/events`
    const streams = await Promise.all([rest, other.rest].map((by) => by.stream(path)))
    for (const stream of streams) {
      for (let begun = 0; begun < 4;) if ((await stream.next())?.type === 'run.created') begun += 1
    }
    const client = createAgentClient({
      url: 'http://runtime.test/trpc',
      transport: 'sse',
      fetch: (input, init) => other.runtime.handler(new Request(input, init)),
    })
    const following = client.conversations.events(conversationId, { after: 'now' })[Symbol.asyncIterator]()
    // It follows once it has the first event of the run under way.
    await following.next()
    expect(await move('c', { before: 'a' })).toEqual(['c', 'a', 'b'])
    const cursors = await Promise.all(
      streams.map(async (stream) => {
        const told = (await stream.until('run.moved')).at(-1)
        expect(told).toMatchObject({ type: 'run.moved', run_id: idOf('c'), payload: {} })
        return String(told?.cursor)
      }),
    )
    for (;;) {
      const { value } = await following.next()
      if (value?.type === 'run.moved') break
    }
    await following.return?.()
    // Readers are told of each move, and can resume from their place at that time.
    await move('c', { before: 'c' })
    await move('b', { before: 'a' })
    for (const stream of streams)
      expect(await stream.until('run.moved')).toMatchObject([{ run_id: idOf('b') }])
    expect(await queue()).toEqual(['c', 'b', 'a'])
    await rest.post(`runs/${idOf('a')}/cancel`)
    for (const stream of streams) {
      expect((await stream.until('run.cancelled')).at(-1)).toMatchObject({ run_id: idOf('a') })
      await stream.close()
    }
    const resumed = await other.rest.stream(`${path}?after=${cursors[0] ?? ''}`)
    expect((await resumed.until('run.cancelled')).map(({ type }) => type)).toEqual(['run.cancelled'])
    await resumed.close()
    await finish()
  })

  test('tell a reader of the first move in a conversation where nothing else happens', async ({
    createServer,
  }) => {
    const { move, finish, conversationId, idOf, runtime } = await begin(createServer, ['a', 'b'])
    const other = await createServer({ agents: [...runtime.agents], worker: false })
    const path = `conversations/${conversationId}/events`
    const begun = await other.rest.stream(path)
    // Its first run has begun and says nothing more; the others wait.
    const cursors = new Map<string, string>()
    while (!cursors.has('run.created b') || !cursors.has('run.started first')) {
      const event = await begun.next()
      const of = ['first', 'a', 'b'].find((text) => idOf(text) === event?.['run_id'])
      cursors.set(`${String(event?.type)} ${String(of)}`, String(event?.cursor))
    }
    await begun.close()
    const after = [...cursors.values()].at(-1) ?? ''
    const resumed = await other.rest.stream(`${path}?after=${after}`)
    const second = await other.rest.stream(`${path}?after=${after}`)
    await move('b', { before: 'a' })
    for (const stream of [resumed, second]) {
      expect(await stream.until('run.moved')).toMatchObject([{ type: 'run.moved', run_id: idOf('b') }])
    }
    // A reader who comes now learns of it.
    const last = await other.rest.stream(`${path}?after=${after}`)
    await move('a', { before: 'b' })
    expect(await last.until('run.moved')).toMatchObject([{ run_id: idOf('a') }])
    for (const stream of [resumed, second, last]) await stream.close()
    await finish()
  })

  test('can be dropped, and not moved any more then, nor when they have begun', async ({ createServer }) => {
    const { move, queue, finish, rest, idOf, given } = await begin(createServer, ['a', 'b', 'c'])
    expect((await rest.post(`runs/${idOf('b')}/cancel`)).status).toBe(200)
    expect(await queue()).toEqual(['a', 'c'])
    expect(await move('b', { before: 'a' })).toEqual([409, 'conflict'])
    expect(await move('a', { after: 'b' })).toEqual([409, 'conflict'])
    expect(await move('first', { after: 'a' })).toEqual([409, 'conflict'])
    expect(await move('a', { before: 'first' })).toEqual([409, 'conflict'])
    expect(await move('019aa000-0000-7000-8000-000000000001', { after: 'a' })).toEqual([404, 'not_found'])
    await finish()
    expect(given.at(-1)).toEqual(['first', 'first!', 'a', 'a!', 'c'])
    expect(await move('a', { before: 'c' })).toEqual([409, 'conflict'])
  })

  test.for<[string, object]>([
    ['nothing', {}],
    ['both', { before: 'x', after: 'x' }],
    ['no run', { before: 'not an id' }],
    ['a number', { before: 7 }],
  ])('are moved before or after another one, not %s', async ([, place], { createServer }) => {
    const { rest, conversationId, idOf, queue, finish } = await begin(createServer, ['a', 'b'])
    const given = Object.entries(place).map(([side, other]) => [side, other === 'x' ? idOf('b') : other])
    const body = { run_id: idOf('a'), ...Object.fromEntries(given) }
    const answer = await rest.post(`conversations/${conversationId}/queue`, body)
    expect([answer.status, answer.body['code']]).toEqual([400, 'validation_failed'])
    expect(await queue()).toEqual(['a', 'b'])
    await finish()
  })

  test('are moved on two servers at once: each run goes once, in the order that is shown', async ({
    createServer,
  }) => {
    const names = ['a', 'b', 'c', 'd', 'e']
    const { move, queue, finish, rest, ask } = await begin(createServer, names)
    const other = (
      await createServer({ agents: [defineAgent({ key: 'parrot', run: async () => {} })], worker: false })
    ).rest
    const moves = names.map((name, index) =>
      move(name, index % 2 === 0 ? { before: 'b' } : { after: 'd' }, index % 2 === 0 ? rest : other),
    )
    const last = await ask('last')
    await Promise.all(moves)
    const order = await queue()
    expect(order.toSorted()).toEqual([...names, 'last'])
    const said = await finish()
    await rest.events(`runs/${last}/events`)
    expect(said.filter((text) => !text.endsWith('!')).slice(1)).toEqual(order)
  })

  test('stay behind the edit that they follow', async ({ createServer }) => {
    const { move, idOf, finish, rest, conversationId, ask, queue } = await begin(createServer, ['a'])
    const edit = await ask('edited', { replaces: `${idOf('first')}:0`, conversation_policy: 'queue' })
    const after = await ask('after', { conversation_policy: 'queue' })
    expect(await move(after, { before: edit })).toEqual([409, 'conflict'])
    // It may go before a run on another path.
    expect(await move(edit, { before: 'a' })).toEqual(['edited', 'a', 'after'])
    expect(await queue()).toEqual(['edited', 'a', 'after'])
    await finish()
    for (const id of [edit, after]) await rest.events(`runs/${id}/events`)
    const { messages } = (await rest.get(`conversations/${conversationId}`)).body as {
      messages: { content: string }[]
    }
    expect(messages.map(({ content }) => content)).toEqual(['edited', 'edited!', 'after', 'after!'])
  })
})
