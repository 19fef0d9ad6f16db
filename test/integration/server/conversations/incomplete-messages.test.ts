// The text of an agent whose run did not succeed stays a message. A stopped answer is part of the history.
import { describe, expect } from 'vitest'
import type { AgentContext } from '../../../../server/agent/context.ts'
import { defineAgent, textOf } from '../../../../server/index.ts'
import type { RestClient } from '../../../support/rest-client.ts'
import { test } from '../../../support/runtime.ts'
import type { TestServer } from '../../../support/runtime.ts'
import { expireLease } from '../../../support/takeover.ts'

type Script = (ctx: AgentContext) => Promise<void>

/** Does what the newest input says, and remembers what it was given. */
function createSpeaker(scripts: Record<string, Script>, options: { timeoutMs?: number } = {}) {
  const given: string[][] = []
  const speaker = defineAgent({
    key: 'speaker',
    ...options,
    async run(ctx) {
      given.push(ctx.messages.map((message) => textOf(message)))
      const told = textOf(ctx.messages.at(-1))
      await scripts[told]?.(ctx as AgentContext)
      return { messages: [{ role: 'assistant', content: `${told}!` }] }
    },
  })
  return { speaker, given }
}

async function say(ctx: AgentContext, messageId: string, ...pieces: string[]): Promise<void> {
  for (const content of pieces) await ctx.emit('assistant.delta', { messageId, content })
}

const untilAborted = ({ signal }: AgentContext) =>
  new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))

interface Said {
  id: string
  run_id: string
  role: string
  content: string
  incomplete?: true
}

async function begin(rest: RestClient) {
  const id = String((await rest.post('conversations', {})).body['id'])
  const read = async (query = '') =>
    (await rest.get(`conversations/${id}${query}`)).body['messages'] as Said[]
  const texts = async (query = '') =>
    (await read(query)).map(({ content, incomplete }) => (incomplete ? `${content}…` : content))
  const ask = (text: string, more: object = {}) =>
    rest.create('speaker', { conversation_id: id, messages: [{ role: 'user', content: text }], ...more })
  const end = (run: string) => rest.events(`runs/${run}/events`)
  return { id, read, texts, ask, end }
}

/** Cancels the run once it has said this much. */
async function cancelAfter({ rest }: TestServer, run: string, content: string): Promise<void> {
  const stream = await rest.stream(`runs/${run}/events?include_all=1`)
  for (let text = ''; text !== content;)
    text += String((await stream.until('assistant.delta')).at(-1)?.['content'])
  expect((await rest.post(`runs/${run}/cancel`)).status).toBe(200)
}

describe('what a run had said', () => {
  test('when it was cancelled stays in the history, by the id of its events', async ({ createServer }) => {
    const { speaker, given } = createSpeaker({
      long: async (ctx) => {
        await say(ctx, 'm1', 'Once ', 'upon ')
        await untilAborted(ctx)
      },
    })
    const server = await createServer({ agents: [speaker] })
    const { id, read, texts, ask, end } = await begin(server.rest)
    const run = await ask('long')
    await cancelAfter(server, run, 'Once upon ')
    await end(run)
    expect(await texts()).toEqual(['long', 'Once upon …'])
    expect((await read()).at(-1)).toMatchObject({
      id: 'm1',
      run_id: run,
      role: 'assistant',
      incomplete: true,
    })
    await end(await ask('next'))
    expect(given.at(-1)).toEqual(['long', 'Once upon ', 'next'])
    const { messages } = await server.trpc.client.conversations.get.query({ conversationId: id })
    expect(messages.map(({ incomplete }) => incomplete)).toEqual([undefined, true, undefined, undefined])
    expect((await server.trpc.client.runs.get.query({ runId: run })).messages.at(-1)).toMatchObject({
      id: 'm1',
      content: 'Once upon ',
      incomplete: true,
    })
  })

  test('is included on request when the run failed or timed out', async ({ createServer }) => {
    const { speaker, given } = createSpeaker({
      fail: async (ctx) => {
        await ctx.emitMessage('Well.')
        await say(ctx, 'm2', 'But ', 'then')
        throw new Error('as told')
      },
      slow: async (ctx) => {
        await say(ctx, 'm3', 'Wait')
        await untilAborted(ctx)
      },
    })
    const { rest } = await createServer({ agents: [speaker] })
    const { texts, ask, end, read } = await begin(rest)
    await end(await ask('fail'))
    await end(await ask('slow', { timeout_ms: 300 }))
    await end(await ask('next'))
    expect(given.at(-1)).toEqual(['next'])
    expect(await texts()).toEqual(['next', 'next!'])
    const all = ['fail', 'Well.…', 'But then…', 'slow', 'Wait…', 'next', 'next!']
    expect(await texts('?include_failed_runs=true')).toEqual(all)
    expect((await read('?include_failed_runs=true'))[2]).toMatchObject({ id: 'm2' })
  })

  test('when it was stopped while it waited, by a cancel or by another run', async ({ createServer }) => {
    const { speaker, given } = createSpeaker({
      sleep: async (ctx) => {
        await say(ctx, `m-${ctx.runId}`, 'Good night')
        await ctx.sleep(3_600_000)
      },
    })
    const { rest } = await createServer({ agents: [speaker] })
    const { texts, ask, end } = await begin(rest)
    const first = await ask('sleep')
    await (await rest.stream(`runs/${first}/events`)).until('run.waiting')
    expect((await rest.post(`runs/${first}/cancel`)).status).toBe(200)
    expect(await texts()).toEqual(['sleep', 'Good night…'])
    const second = await ask('sleep')
    await (await rest.stream(`runs/${second}/events`)).until('run.waiting')
    await end(await ask('up', { conversation_policy: 'interrupt' }))
    expect(given.at(-1)).toEqual(['sleep', 'Good night', 'sleep', 'Good night', 'up'])
  })

  test('when its worker was lost for good', async ({ createServer, database }) => {
    const released = Promise.withResolvers<void>()
    const { speaker } = createSpeaker({
      lost: async (ctx) => {
        await say(ctx, 'm5', 'Half')
        await released.promise
      },
    })
    const { rest } = await createServer({ agents: [speaker], config: { maxAttempts: 1 } })
    const { texts, ask, end } = await begin(rest)
    const run = await ask('lost')
    await (await rest.stream(`runs/${run}/events`)).until('assistant.delta')
    await expireLease(database.sql, run)
    await end(run)
    released.resolve()
    expect((await rest.get(`runs/${run}`)).body['status']).toBe('failed')
    expect(await texts('?include_failed_runs=true')).toEqual(['lost', 'Half…'])
  })

  test.for<[string, string]>([
    ['can', `RAISE EXCEPTION 'not today'`],
    ['will soon', 'PERFORM pg_sleep(60)'],
  ])(
    'does not keep a run from its end where the database %s not keep it',
    async ([, act], { createServer, database }) => {
      const { speaker } = createSpeaker({
        fails: async (ctx) => {
          await say(ctx, 'm6', 'Half')
          throw new Error('gone')
        },
        lost: async (ctx) => {
          await say(ctx, 'm7', 'Half')
          await untilAborted(ctx)
        },
      })
      await database.sql(
        `CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN ${act}; RETURN NEW; END$$`,
      )
      await database.sql(
        `CREATE TRIGGER refuse BEFORE INSERT ON agent_runtime.message FOR EACH ROW
         WHEN (NEW.origin = 'incomplete') EXECUTE FUNCTION refuse()`,
      )
      const { rest } = await createServer({ agents: [speaker], config: { maxAttempts: 1 } })
      const { texts, ask, end } = await begin(rest)
      await end(await ask('fails'))
      const lost = await ask('lost')
      await (await rest.stream(`runs/${lost}/events`)).until('assistant.delta')
      await expireLease(database.sql, lost)
      await end(lost)
      expect((await rest.get(`runs/${lost}`)).body['status']).toBe('failed')
      expect(await texts('?include_failed_runs=true')).toEqual(['fails', 'lost'])
    },
  )

  test('is what its readers had of it at the end', async ({ createServer }) => {
    const { speaker } = createSpeaker({
      again: async (ctx) => {
        await ctx.step('once', () => say(ctx, 'kept', 'From a step. '))
        await say(ctx, 'void', `${ctx.attempt} `)
        await say(ctx, `only ${ctx.attempt}`, `attempt ${ctx.attempt}`)
        await ctx.emit('assistant.delta', { messageId: 'hidden', content: 'hm' }, { visibility: 'debug' })
        await ctx.emit('assistant.delta', { messageId: 'whole', content: 'All' })
        await ctx.emit('assistant.message', { messageId: 'whole', content: 'All of it.' })
        await say(ctx, 'empty', '')
        throw new Error('as told')
      },
    })
    const { rest } = await createServer({ agents: [speaker], config: { maxAttempts: 2 } })
    const { read, ask, end } = await begin(rest)
    await end(await ask('again'))
    const kept = (await read('?include_failed_runs=true')).map(({ id, content }) => [id, content])
    expect(kept.slice(1)).toEqual([
      ['kept', 'From a step. '],
      ['void', '2 '],
      ['only 2', 'attempt 2'],
      ['whole', 'All of it.'],
    ])
  })

  test('is read by agents that ask for it, with what the assistant said last', async ({ createServer }) => {
    const read: unknown[] = []
    const note = async (ctx: AgentContext) => {
      const histories = [await ctx.messageHistory(), await ctx.messageHistory({ includeFailedRuns: true })]
      read.push(histories.map((messages) => messages.map((message) => textOf(message))))
      read.push(textOf(ctx.lastAssistantMessage()))
    }
    const { speaker } = createSpeaker({
      fail: async (ctx) => {
        await say(ctx, 'm1', 'Half an ')
        throw new Error('as told')
      },
      read: note,
      alone: note,
    })
    const { rest } = await createServer({ agents: [speaker] })
    const { ask, end } = await begin(rest)
    for (const text of ['one', 'fail', 'read']) await end(await ask(text))
    expect(read).toEqual([
      [
        ['one', 'one!', 'read'],
        ['one', 'one!', 'fail', 'Half an ', 'read'],
      ],
      'one!',
    ])
    read.length = 0
    const messages = [{ role: 'user', content: 'alone' }]
    await end(await rest.create('speaker', { messages }))
    expect(read).toEqual([[['alone'], ['alone']], ''])
  })

  test('comes along when the conversation is forked', async ({ createServer }) => {
    const { speaker } = createSpeaker({
      long: async (ctx) => {
        await say(ctx, 'm1', 'One ', 'two ')
        await untilAborted(ctx)
      },
    })
    const server = await createServer({ agents: [speaker] })
    const { id, texts, ask, end } = await begin(server.rest)
    const run = await ask('long')
    await cancelAfter(server, run, 'One two ')
    await end(run)
    const fork = await server.rest.post(`conversations/${id}/fork`, { message_id: 'm1' })
    expect(fork.status).toBe(201)
    const copy = (await server.rest.get(`conversations/${String(fork.body['id'])}`)).body['messages']
    expect(copy).toMatchObject([{ content: 'long' }, { content: 'One two ', incomplete: true }])
    expect(await texts()).toEqual(['long', 'One two …'])
  })

  test('is nothing where it was cancelled before it began: that was never said', async ({ createServer }) => {
    const { speaker } = createSpeaker({})
    const { rest } = await createServer({ agents: [speaker], worker: false })
    const { texts, ask } = await begin(rest)
    const run = await ask('never')
    expect((await rest.post(`runs/${run}/cancel`)).status).toBe(200)
    expect(await texts()).toEqual([])
    expect(await texts('?include_failed_runs=true')).toEqual(['never'])
  })
})
