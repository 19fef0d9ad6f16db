// A conversation without a title gets the first words of its user.
import { describe, expect } from 'vitest'
import { AgentRuntimeError, defineAgent } from '../../../../server/index.ts'
import type { ConversationTitle, TitleRequest } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'
import type { TestServer } from '../../../support/runtime.ts'

const echo = defineAgent({ key: 'echo', run: async () => ({ output: 'done' }) })
const SERVER = { agents: [echo], worker: false } as const

const said = (content: unknown) => ({ agent_key: 'echo', messages: [{ role: 'user', content }] })

async function titleOf({ rest }: Pick<TestServer, 'rest'>, conversationId: unknown): Promise<unknown> {
  return (await rest.get(`conversations/${String(conversationId)}`)).body['title']
}

describe('a conversation without a title', () => {
  test('gets one with its first run, however that names it', async ({ createServer }) => {
    const server = await createServer(SERVER)
    const { rest } = server
    const made = (await rest.post('conversations', {})).body['id']
    await rest.post('conversations', { external_id: 'made' })
    const ways = [
      { conversation: 'new' },
      { conversation: 'new', idempotency_key: 'k' },
      { conversation_id: made },
      { conversation: { external_id: 'made' } },
      { conversation: { external_id: 'new' } },
    ]
    for (const way of ways) {
      const { status, body } = await rest.post('runs', { ...said('  What is\n6 * 7? '), ...way })
      expect([way, status]).toEqual([way, 201])
      const { conversation_id } = body
      expect([way, await titleOf(server, conversation_id)]).toEqual([way, 'What is 6 * 7?'])
      await rest.post('runs', { ...said('And 7 * 8?'), conversation_id })
      expect(await titleOf(server, conversation_id)).toBe('What is 6 * 7?')
    }
  })

  test('of many created at once each gets its own', async ({ createServer }) => {
    const server = await createServer(SERVER)
    const ids = await Promise.all(
      Array.from({ length: 30 }, async (_, n) => {
        if (n % 2 === 0) return undefined
        return (await server.rest.post('conversations', {})).body['id']
      }),
    )
    const runs = await Promise.all(
      ids.map((id, n) => {
        const where = id === undefined ? { conversation: 'new' } : { conversation_id: id }
        return server.rest.post('runs', { ...said(`Number ${n}`), ...where })
      }),
    )
    const titles = await Promise.all(runs.map(({ body }) => titleOf(server, body['conversation_id'])))
    expect(titles).toEqual(ids.map((_id, n) => `Number ${n}`))
  })

  test('gets it from one of several simultaneous first runs', async ({ createServer }) => {
    const [one, two] = [await createServer(SERVER), await createServer(SERVER)]
    const id = (await one.rest.post('conversations', {})).body['id']
    const runs = await Promise.all(
      [one, two].flatMap(({ rest }) =>
        Array.from({ length: 5 }, (_, n) => rest.post('runs', { ...said(`Try ${n}`), conversation_id: id })),
      ),
    )
    expect(runs.map(({ status }) => status)).toEqual(Array(10).fill(201))
    const { body } = await one.rest.get(`conversations/${String(id)}`)
    const [first] = body['messages'] as { content: string }[]
    expect(body['title']).toBe(first?.content)
  })

  test('has none where nothing was said in words, nor later', async ({ createServer }) => {
    const server = await createServer(SERVER)
    const image = { type: 'image_url', image_url: { url: 'https://example.com/a.png' } }
    const first = await server.rest.post('runs', { ...said([image]), conversation: 'new' })
    const { conversation_id } = first.body
    expect(await titleOf(server, conversation_id)).toBeNull()
    await server.rest.post('runs', { ...said('In words'), conversation_id })
    expect(await titleOf(server, conversation_id)).toBeNull()
  })

  test('gets none from a run that is refused', async ({ createServer }) => {
    const server = await createServer(SERVER)
    await server.rest.post('runs', { ...said('Before'), idempotency_key: 'used' })
    const id = (await server.rest.post('conversations', {})).body['id']
    const refused = await server.rest.post('runs', {
      ...said('Now'),
      idempotency_key: 'used',
      conversation_id: id,
    })
    expect(refused.status).toBe(409)
    expect(await titleOf(server, id)).toBeNull()
  })
})

describe('a title that a caller has given', () => {
  test('stays, whatever is said', async ({ createServer }) => {
    const server = await createServer(SERVER)
    const titled = (await server.rest.post('conversations', { title: 'Mine', external_id: 'titled' })).body[
      'id'
    ]
    await server.rest.post('runs', { ...said('Hello'), conversation: { external_id: 'titled' } })
    expect(await titleOf(server, titled)).toBe('Mine')
    const { conversation_id } = (await server.rest.post('runs', { ...said('Hello'), conversation: 'new' }))
      .body
    await server.rest.request('PATCH', `conversations/${String(conversation_id)}`, { title: 'Ours' })
    await server.rest.post('runs', { ...said('More'), conversation_id })
    expect(await titleOf(server, conversation_id)).toBe('Ours')
    // A removed title is not made again.
    await server.rest.request('PATCH', `conversations/${String(conversation_id)}`, { title: null })
    await server.rest.post('runs', { ...said('More'), conversation_id })
    expect(await titleOf(server, conversation_id)).toBeNull()
  })
})

describe('conversationTitle', () => {
  const answering = defineAgent({
    key: 'echo',
    run: async ({ params }) => {
      if (params === 'fail') throw new Error('as asked')
      return { output: 'done', messages: [{ role: 'assistant', content: '42.' }] }
    },
  })

  /** A hook that answers when the test says so. It records its callers. */
  function createHook() {
    const asked: TitleRequest[] = []
    const begun = Promise.withResolvers<void>()
    const answer = Promise.withResolvers<string>()
    const conversationTitle = (request: TitleRequest) => {
      asked.push(request)
      begun.resolve()
      return answer.promise
    }
    return { asked, begun: begun.promise, answer, conversationTitle }
  }

  async function talk({ rest }: TestServer, more: Record<string, unknown>): Promise<unknown> {
    const { body } = await rest.post('runs', { ...said('What is 6 * 7?'), conversation: 'new', ...more })
    await rest.events(`runs/${String(body['id'])}/events`)
    return body['conversation_id']
  }

  test('is asked once, after a run that ended well, of two workers, and delays nothing', async ({
    createServer,
  }) => {
    const hook = createHook()
    const { conversationTitle } = hook
    const options = { agents: [answering], conversationTitle }
    const [server] = [await createServer(options), await createServer(options)]
    const id = await talk(server, { params: 'fail' })
    expect(hook.asked).toEqual([])
    const goOn = () => talk(server, { conversation: undefined, conversation_id: id })
    await goOn()
    // Before the next run, since its question would be the newest message.
    await hook.begun
    for (let run = 0; run < 3; run += 1) await goOn()
    expect(await titleOf(server, id)).toBe('What is 6 * 7?')
    hook.answer.resolve('  Sums  ')
    await expect.poll(() => titleOf(server, id)).toBe('Sums')
    await goOn()
    await server.runtime.stop()
    expect(hook.asked).toHaveLength(1)
    const [{ messages, ...request } = { messages: [] }] = hook.asked
    expect(request).toMatchObject({ agentKey: 'echo', conversationId: id, owner: { kind: 'public' } })
    expect(messages.at(-1)).toMatchObject({ role: 'assistant', content: '42.' })
  })

  test('does not replace what a caller has called it, before or meanwhile', async ({ createServer }) => {
    const hook = createHook()
    const server = await createServer({ agents: [answering], conversationTitle: hook.conversationTitle })
    const mine = (await server.rest.post('conversations', { title: 'Mine' })).body['id']
    await talk(server, { conversation: undefined, conversation_id: mine })
    const id = await talk(server, {})
    await hook.begun
    expect(hook.asked.map(({ conversationId }) => conversationId)).toEqual([id])
    await server.rest.request('PATCH', `conversations/${String(id)}`, { title: 'Ours' })
    hook.answer.resolve('Sums')
    await server.runtime.stop()
    const other = await createServer({ agents: [answering], worker: false })
    expect(await titleOf(other, id)).toBe('Ours')
    expect(await titleOf(other, mine)).toBe('Mine')
  })

  const wrong: [how: string, conversationTitle: ConversationTitle][] = [
    [
      'throws',
      () => {
        throw new AgentRuntimeError('internal', 'no title today')
      },
    ],
    [
      'rejects',
      async () => {
        throw new Error('no title today')
      },
    ],
    ['answers with a number', () => 7 as never],
    ['answers with too much', () => 'x'.repeat(501)],
    ['answers with what the database can’t store', async () => 'a\0b'],
  ]
  test.for(wrong)(
    'that %s changes nothing, and is logged',
    async ([, conversationTitle], { createServer }) => {
      const server = await createServer({ agents: [answering], conversationTitle })
      const id = await talk(server, {})
      await expect
        .poll(() => server.log.filter(({ level }) => level === 'warn').map(({ message }) => message))
        .toEqual(['there is no title from conversationTitle'])
      expect(await titleOf(server, id)).toBe('What is 6 * 7?')
    },
  )

  test('that answers with nothing leaves the title', async ({ createServer }) => {
    const server = await createServer({ agents: [answering], conversationTitle: () => null })
    const id = await talk(server, {})
    await server.runtime.stop()
    expect(server.log.filter(({ level }) => level === 'warn')).toEqual([])
    const other = await createServer({ agents: [answering], worker: false })
    expect(await titleOf(other, id)).toBe('What is 6 * 7?')
  })

  test('that never answers keeps no worker from stopping', async ({ createServer }) => {
    const begun = Promise.withResolvers<void>()
    const server = await createServer({
      agents: [answering],
      worker: false,
      conversationTitle: () => {
        begun.resolve()
        return Promise.withResolvers<string>().promise
      },
    })
    const worker = await server.runtime.startWorker()
    await talk(server, {})
    await begun.promise
    await worker.stop({ drainTimeoutMs: 10 })
    expect(server.log.filter(({ level }) => level === 'warn')).toHaveLength(1)
  })
})
