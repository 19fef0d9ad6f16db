// The messages of a conversation form a tree: edits and other answers are siblings, and the path to the
// chosen leaf is the history.
import { describe, expect } from 'vitest'
import { defineAgent, textOf } from '../../../../server/index.ts'
import type { RestClient } from '../../../support/rest-client.ts'
import { test } from '../../../support/runtime.ts'

/**
 * Answers its last message, with a number, and remembers all that it was given. It fails or waits if told to.
 */
function createParrot() {
  const given: string[][] = []
  const parrot = defineAgent({
    key: 'parrot',
    async run(ctx) {
      given.push(ctx.messages.map((message) => textOf(message)))
      const told = textOf(ctx.messages.at(-1))
      if (told.startsWith('fail')) throw new Error('as told')
      if (told.startsWith('wait')) {
        await new Promise((resolve) => ctx.signal.addEventListener('abort', resolve))
      }
      const content = `${told}!${given.length}`
      return { messages: [{ role: 'assistant', content }] }
    },
  })
  return { parrot, given }
}

interface Said {
  id: string
  run_id: string
  parent_id: string | null
  content: string
  siblings?: string[]
}

function createTalk(rest: RestClient, path: string) {
  const read = async (query = '') => (await rest.get(`${path}${query}`)).body['messages'] as Said[]
  return {
    read,
    /** The shown messages. For a message with siblings, also its place among them. */
    shown: async (query = '') =>
      (await read(query)).map(({ id, content, siblings }) =>
        siblings === undefined ? content : `${content} ${siblings.indexOf(id) + 1}/${siblings.length}`,
      ),
    /** Sends a message, waits for its answer, and returns the run. */
    async say(text: string | null, place: object = {}) {
      const messages = text === null ? [] : [{ role: 'user', content: text }]
      const conversation_id = path.split('/').at(-1)
      const id = await rest.create('parrot', { conversation_id, messages, ...place })
      await rest.events(`runs/${id}/events`)
      return id
    },
    find: async (content: string) =>
      (await read()).find((message) => message.content === content)?.id ?? 'none',
    select: (message_id: string | undefined) => rest.post(`${path}/select`, { message_id }),
  }
}

async function begin(rest: RestClient) {
  const id = String((await rest.post('conversations', { title: 'Talk' })).body['id'])
  return { id, path: `conversations/${id}`, ...createTalk(rest, `conversations/${id}`) }
}

describe('a message', () => {
  test('is edited: the old message stays as a sibling, with all that followed it', async ({
    createServer,
  }) => {
    const { parrot, given } = createParrot()
    const { rest } = await createServer({ agents: [parrot] })
    const { say, shown, find, select, read } = await begin(rest)
    for (const text of ['a', 'b', 'c']) await say(text)
    const before = await read()
    await say('B', { replaces: await find('b') })
    expect(given.at(-1)).toEqual(['a', 'a!1', 'B'])
    expect(await shown()).toEqual(['a', 'a!1', 'B 2/2', 'B!4'])
    const [, , edited] = await read()
    expect(edited?.parent_id).toBe(before[1]?.id)

    // It continues from there, and from the other message once that is chosen again.
    await say('d')
    expect(await shown()).toEqual(['a', 'a!1', 'B 2/2', 'B!4', 'd', 'd!5'])
    expect((await select(edited?.siblings?.[0])).status).toBe(200)
    expect(await read()).toEqual(
      before.map((message, index) => (index === 2 ? { ...message, siblings: edited?.siblings } : message)),
    )
    await say('e')
    expect(given.at(-1)).toEqual(['a', 'a!1', 'b', 'b!2', 'c', 'c!3', 'e'])
    // A path is shown to its end, whichever of its messages is chosen.
    await select(edited?.id)
    expect(await shown()).toEqual(['a', 'a!1', 'B 2/2', 'B!4', 'd', 'd!5'])
  })

  test('of a sibling, and the first one, are edited too', async ({ createServer }) => {
    const { parrot, given } = createParrot()
    const { rest } = await createServer({ agents: [parrot] })
    const { say, shown, find, read, select } = await begin(rest)
    await say('a')
    await say('A', { replaces: await find('a') })
    await say('AA', { replaces: await find('A') })
    expect(given).toEqual([['a'], ['A'], ['AA']])
    expect(await shown()).toEqual(['AA 3/3', 'AA!3'])
    const [first] = await read()
    expect(first?.parent_id).toBeNull()
    await select(first?.siblings?.[1])
    await say('b')
    expect(given.at(-1)).toEqual(['A', 'A!2', 'b'])
    await say('B', { replaces: await find('b') })
    expect(await shown()).toEqual(['A 2/3', 'A!2', 'B 2/2', 'B!5'])
  })

  test('in the midst of what went into a run is edited', async ({ createServer }) => {
    const { parrot, given } = createParrot()
    const { rest } = await createServer({ agents: [parrot] })
    const { say, shown, find, path } = await begin(rest)
    const messages = ['a', 'b', 'c'].map((content) => ({ role: 'user', content }))
    await say(null, { messages })
    await say('B', { replaces: await find('b') })
    expect(given.at(-1)).toEqual(['a', 'B'])
    expect(await shown()).toEqual(['a', 'B 2/2', 'B!2'])
    expect((await rest.get(path)).body['total_messages']).toBe(3)
  })

  test('is answered anew, by as many runs as are asked for', async ({ createServer }) => {
    const { parrot, given } = createParrot()
    const { rest } = await createServer({ agents: [parrot] })
    const { say, shown, read, select } = await begin(rest)
    await say('a')
    const first = await say('b')
    const second = await say(null, { regenerates: first })
    expect(given.at(-1)).toEqual(['a', 'a!1', 'b'])
    expect(await shown()).toEqual(['a', 'a!1', 'b', 'b!3 2/2'])
    await say(null, { regenerates: second })
    await say(null, { regenerates: first })
    expect(await shown()).toEqual(['a', 'a!1', 'b', 'b!5 4/4'])
    await select((await read()).at(-1)?.siblings?.[1])
    await say('c')
    expect(given.at(-1)).toEqual(['a', 'a!1', 'b', 'b!3', 'c'])
    expect(await shown()).toEqual(['a', 'a!1', 'b', 'b!3 2/4', 'c', 'c!6'])
  })

  test('of a run that failed is edited, or answered anew', async ({ createServer }) => {
    const { parrot, given } = createParrot()
    const { rest } = await createServer({ agents: [parrot] })
    const { say, shown } = await begin(rest)
    await say('a')
    const failed = await say('fail')
    await say(null, { regenerates: failed })
    expect(given.at(-1)).toEqual(['a', 'a!1', 'fail'])
    await say(null, { regenerates: failed })
    expect(await shown('?include_failed_runs=1')).toEqual(['a', 'a!1', 'fail'])
    await say('b', { replaces: `${failed}:0` })
    expect(given.at(-1)).toEqual(['a', 'a!1', 'b'])
    expect(await shown()).toEqual(['a', 'a!1', 'b', 'b!5'])
    expect(await shown('?include_failed_runs=1')).toEqual(['a', 'a!1', 'b 2/2', 'b!5'])
  })

  test('is superseded by its place in the history, as clients of the Python system ask', async ({
    createServer,
  }) => {
    const { parrot, given } = createParrot()
    const { rest } = await createServer({ agents: [parrot] })
    const { say, shown, id } = await begin(rest)
    for (const text of ['a', 'b', 'c']) await say(text)
    await say('B', { supersede_from_message_index: 2 })
    expect(given.at(-1)).toEqual(['a', 'a!1', 'B'])
    // The index counts the messages shown now. An index at their end replaces nothing.
    await say('d', { supersede_from_message_index: 4 })
    expect(await shown()).toEqual(['a', 'a!1', 'B 2/2', 'B!4', 'd', 'd!5'])
    const beyond = { agent_key: 'parrot', conversation_id: id, supersede_from_message_index: 7 }
    expect((await rest.post('runs', beyond)).status).toBe(404)
    await say('A', { supersede_from_message_index: 0 })
    expect(await shown()).toEqual(['A 2/2', 'A!6'])
  })

  test('of a run under way is edited: that one is stopped, unless it is to be waited for', async ({
    createServer,
  }) => {
    const { parrot, given } = createParrot()
    const { rest } = await createServer({ agents: [parrot] })
    const { say, shown, id } = await begin(rest)
    await say('a')
    const create = (text: string, more: object = {}) =>
      rest.create('parrot', { conversation_id: id, messages: [{ role: 'user', content: text }], ...more })
    const held = await create('wait')
    await (await rest.stream(`runs/${held}/events?include_all=1`)).until('run.started')
    const waiting = await create('b')
    const behind = { agent_key: 'parrot', conversation_id: id, conversation_policy: 'queue' }
    expect((await rest.post('runs', { ...behind, replaces: `${waiting}:0` })).status).toBe(409)
    expect((await rest.post('runs', { ...behind, regenerates: waiting })).status).toBe(409)
    // A refused caller has started nothing.
    const refused = { ...behind, conversation_policy: 'reject', replaces: `${held}:0` }
    expect((await rest.post('runs', refused)).body['code']).toBe('conflict')
    expect(await shown()).toEqual(['a', 'a!1', 'wait', 'b'])
    await say('c', { replaces: `${waiting}:0` })
    expect(given.at(-1)).toEqual(['a', 'a!1', 'wait', 'c'])
    for (const run of [held, waiting])
      expect((await rest.get(`runs/${run}`)).body['status']).toBe('cancelled')
    expect((await shown()).at(-1)).toBe('c!3')
  })

  test('that is not there has no place, nor has a result of a tool', async ({ createServer }) => {
    const { parrot } = createParrot()
    const { rest } = await createServer({ agents: [parrot] })
    const { id, say } = await begin(rest)
    const other = await begin(rest)
    const elsewhere = await other.say('x')
    const call = { id: 'c1', type: 'function', function: { name: 'look', arguments: '{}' } }
    const run = await say(null, {
      messages: [
        { role: 'user', content: 'a' },
        { role: 'assistant', content: null, tool_calls: [call] },
        { role: 'tool', tool_call_id: 'c1', content: 'rain' },
      ],
    })
    const ask = async (body: object) => {
      const answer = await rest.post('runs', { agent_key: 'parrot', conversation_id: id, ...body })
      return answer.status
    }
    expect(await ask({ replaces: 'nothing' })).toBe(404)
    expect(await ask({ replaces: `${elsewhere}:0` })).toBe(404)
    expect(await ask({ regenerates: elsewhere })).toBe(404)
    expect(await ask({ replaces: `${run}:2` })).toBe(409)
    expect(await ask({ supersede_from_message_index: 2 })).toBe(409)
    expect(await ask({ replaces: `${run}:0`, regenerates: run })).toBe(400)
    expect(await ask({ regenerates: run, messages: [{ role: 'user', content: 'b' }] })).toBe(400)
    expect(await ask({ replaces: `${run}:0`, conversation_id: undefined })).toBe(400)
    expect(await ask({ supersede_from_message_index: -1 })).toBe(400)
    expect(await ask({ replaces: 7 })).toBe(400)
    expect((await rest.post(`conversations/${id}/select`, { message_id: `${elsewhere}:0` })).status).toBe(404)
    expect((await rest.post(`conversations/${id}/fork`, { message_id: `${elsewhere}:0` })).status).toBe(404)
    for (const position of [1, 2]) {
      const answer = await rest.post(`conversations/${id}/fork`, { message_id: `${run}:${position}` })
      expect([position, answer.status]).toEqual([position, position === 1 ? 409 : 201])
    }
  })
})

describe('a conversation', () => {
  test('is forked at a message: the copy depends on nothing, and is a tree of its own', async ({
    createServer,
  }) => {
    const { parrot, given } = createParrot()
    const { rest, trpc } = await createServer({ agents: [parrot] })
    const { id, say, find, read } = await begin(rest)
    for (const text of ['a', 'b']) await say(text)
    await say('B', { replaces: await find('b') })
    const [, , , last] = await read()
    const made = await trpc.client.conversations.fork.mutate({
      conversationId: id,
      messageId: last?.id ?? '',
      metadata: { copy: true },
    })
    expect(made).toMatchObject({ title: 'Talk', metadata: { copy: true } })
    const copy = createTalk(rest, `conversations/${made.id}`)
    const copied = await copy.read()
    expect(copied.map(({ content }) => content)).toEqual(['a', 'a!1', 'B', 'B!3'])
    expect(new Set(copied.map(({ run_id }) => run_id)).size).toBe(1)
    expect((await rest.request('DELETE', `conversations/${id}`)).status).toBe(204)

    await copy.say('c')
    expect(given.at(-1)).toEqual(['a', 'a!1', 'B', 'B!3', 'c'])
    await copy.say('b', { replaces: await copy.find('B') })
    expect(given.at(-1)).toEqual(['a', 'a!1', 'b'])
    expect(await copy.shown()).toEqual(['a', 'a!1', 'b 2/2', 'b!5'])
    const again = await rest.post(`conversations/${made.id}/fork`, { message_id: await copy.find('a!1') })
    expect(again.status).toBe(201)
    const third = createTalk(rest, `conversations/${String(again.body['id'])}`)
    expect((await third.read()).map(({ content }) => content)).toEqual(['a', 'a!1'])
  })

  test('goes on without a run that was deleted: what followed it stays, and what depended on its input has it', async ({
    createServer,
  }) => {
    const { parrot, given } = createParrot()
    const { rest } = await createServer({ agents: [parrot] })
    const { say, shown, read, select, find } = await begin(rest)
    const [first, second] = [await say('a'), await say('b')]
    await say('c')
    await say(null, { regenerates: second })
    await say('d')
    const again = await say(null, { regenerates: second })
    await say('e')
    const remove = async (run: string) =>
      expect((await rest.request('DELETE', `runs/${run}`)).status).toBe(204)
    await remove(second)
    // The question stays with the other answers to it.
    expect(await shown()).toEqual(['a', 'a!1', 'b 3/3', 'b!6', 'e', 'e!7'])
    const [, , question] = await read()
    await select(question?.siblings?.[1])
    expect(await shown()).toEqual(['a', 'a!1', 'b 2/3', 'b!4', 'd', 'd!5'])
    await select(question?.siblings?.[0])
    expect(await shown()).toEqual(['a', 'a!1', 'c 1/3', 'c!3'])
    await select(question?.siblings?.[2])
    await say(null, { regenerates: again })
    expect(given.at(-1)).toEqual(['a', 'a!1', 'b'])
    await remove(again)
    expect(await shown()).toEqual(['a', 'a!1', 'b 4/4', 'b!8'])
    await say('f', { replaces: await find('a!1') })
    await remove(first)
    // The messages after the deleted ones begin the conversation now.
    expect(await shown()).toEqual(['a 5/5', 'f', 'f!9'])
    await select((await read())[0]?.siblings?.[0])
    expect(await shown()).toEqual(['c 1/5', 'c!3'])
  })

  test('is one tree, whichever of two servers is asked, and at once', async ({ createServer, database }) => {
    const { parrot } = createParrot()
    const config = { queuePollIntervalSeconds: 0.1 }
    const server = { agents: [parrot], config }
    const [one, two] = await Promise.all([createServer(server), createServer({ ...server, worker: false })])
    const { id, say, find, shown, read } = await begin(one.rest)
    await say('a')
    const replaces = await find('a')
    const edits = await Promise.all(
      ['b', 'c', 'd', 'e', 'f', 'g'].map((content, index) =>
        (index % 2 === 0 ? one : two).rest.create('parrot', {
          conversation_id: id,
          messages: [{ role: 'user', content }],
          replaces,
          conversation_policy: 'queue',
          idempotency_key: content,
        }),
      ),
    )
    await Promise.all(edits.map((run) => one.rest.events(`runs/${run}/events`)))
    const [first] = await read()
    expect(first?.siblings).toHaveLength(7)
    expect(await shown()).toHaveLength(2)
    // A repeated request returns the same run, and nothing moves.
    const repeated = { conversation_id: id, replaces, conversation_policy: 'queue', idempotency_key: 'b' }
    const body = { agent_key: 'parrot', messages: [{ role: 'user', content: 'b' }], ...repeated }
    expect((await two.rest.post('runs', body)).body['id']).toBe(edits[0])
    expect((await two.rest.post('runs', { ...body, replaces: `${edits[1]}:0` })).status).toBe(409)
    expect((await read())[0]).toEqual(first)
    expect(await database.sql('SELECT number FROM agent_runtime.branch ORDER BY 1')).toEqual(
      [1, 2, 3, 4, 5, 6].map((number) => ({ number })),
    )
  })
})
