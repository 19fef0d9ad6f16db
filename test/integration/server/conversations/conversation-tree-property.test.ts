// Whatever happens in a conversation, over two servers at once, its messages form one tree. Each path in it
// is a history.
import fc from 'fast-check'
import { expect, vi } from 'vitest'
import { defineAgent, textOf } from '../../../../server/index.ts'
import type { RestClient } from '../../../support/rest-client.ts'
import { test } from '../../../support/runtime.ts'
import type { Sql } from '../../../support/runtime.ts'
import { expireLease } from '../../../support/takeover.ts'

/**
 * Says some of its answer, and then does what its input says: it answers, calls a tool first, fails, or waits
 * until all are released.
 */
function createActor() {
  const released = Promise.withResolvers<void>()
  const actor = defineAgent({
    key: 'actor',
    async run(ctx) {
      const told = textOf(ctx.messages.findLast(({ role }) => role === 'user'))
      const messageId = `${ctx.runId} answers`
      await ctx.emit('assistant.delta', { messageId, content: `${told}: ` })
      if (told.startsWith('hold')) {
        const aborted = Promise.withResolvers<never>()
        ctx.signal.addEventListener('abort', () => aborted.reject(ctx.signal.reason))
        await Promise.race([released.promise, aborted.promise])
      }
      if (told.startsWith('fail')) throw new Error('as told')
      const answer = { role: 'assistant' as const, content: `${told}: done`, id: messageId }
      if (!told.startsWith('tool')) return { messages: [answer] }
      const call = { id: `call of ${ctx.runId}`, name: 'look', arguments: {} }
      return {
        messages: [
          { role: 'assistant', content: null, toolCalls: [call] },
          { role: 'tool', toolCallId: call.id, content: 'seen' },
          answer,
        ],
      }
    },
  })
  return { actor, release: () => released.resolve() }
}

interface Said {
  id: string
  run_id: string
  parent_id: string | null
  role: string
  content: string | null
  tool_calls?: { id: string }[]
  tool_call_id?: string
  siblings?: string[]
}

/** A random action; `n` chooses its object. */
type Deed = { n: number } & (
  | { kind: 'send' | 'edit'; text: string; policy: string | undefined }
  | { kind: 'regenerate' | 'select' | 'cancel' | 'move' | 'crash' }
)

const n = fc.nat(1_000)
const deed: fc.Arbitrary<Deed> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('send' as const, 'edit' as const),
      text: fc.constantFrom('say', 'tool', 'fail', 'hold'),
      policy: fc.constantFrom(undefined, 'queue', 'interrupt', 'reject'),
      n,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'regenerate' as const,
        'select' as const,
        'cancel' as const,
        'move' as const,
        'crash' as const,
      ),
      n,
    }),
  },
)

const pick = <T>(items: readonly T[], at: number): T | undefined => items[at % items.length]

function createTalk(id: string, sql: Sql) {
  const path = `conversations/${id}`
  const read = async (rest: RestClient, query = '') =>
    (await rest.get(`${path}?limit=1000${query}`)).body['messages'] as Said[]
  const runs = (status: string) =>
    sql<{ id: string }>(
      `SELECT id FROM agent_runtime.run WHERE conversation_id = $1 AND status::text ~ $2 ORDER BY id`,
      [id, status],
    )
  const OPEN = 'queued|running|waiting'

  /** Refusals are allowed, since the object may have changed by then. Nothing else may fail. */
  async function act(rest: RestClient, { n: at, ...what }: Deed): Promise<void> {
    const create = (more: object, text?: string) =>
      rest.post('runs', {
        agent_key: 'actor',
        conversation_id: id,
        messages: text === undefined ? [] : [{ role: 'user', content: `${text} ${at}` }],
        ...more,
      })
    const answerOf = async () => {
      switch (what.kind) {
        case 'send':
          return create({ conversation_policy: what.policy }, what.text)
        case 'edit': {
          const message = pick(await read(rest), at)
          return message && create({ replaces: message.id, conversation_policy: what.policy }, what.text)
        }
        case 'regenerate': {
          const message = pick(await read(rest), at)
          return message && create({ regenerates: message.run_id })
        }
        case 'select': {
          const sibling = pick(
            (await read(rest)).flatMap(({ siblings = [] }) => siblings),
            at,
          )
          return sibling && rest.post(`${path}/select`, { message_id: sibling })
        }
        case 'cancel': {
          const run = pick(await runs(OPEN), at)
          return run && rest.post(`runs/${run.id}/cancel`)
        }
        case 'move': {
          const { results } = (await rest.get(`${path}/queue`)).body as { results: { run_id: string }[] }
          const [run, other] = [pick(results, at), pick(results, at + 1)]
          return run && other && rest.post(`${path}/queue`, { run_id: run.run_id, after: other.run_id })
        }
        case 'crash': {
          const run = pick(await runs('running'), at)
          if (run !== undefined) await expireLease(sql, run.id)
          return undefined
        }
      }
    }
    const answer = await answerOf()
    if (typeof answer === 'object') expect([200, 201, 400, 404, 409, 429]).toContain(answer.status)
  }

  return {
    act,
    read,
    isOver: async () => (await runs(OPEN)).length === 0,
    select: (rest: RestClient, message_id: string) => rest.post(`${path}/select`, { message_id }),
  }
}

/** Each message follows its parent, exists once, and no result of a tool is without its call. */
function expectHistory(messages: readonly Said[]): void {
  const ids = messages.map(({ id }) => id)
  expect(new Set(ids).size).toBe(ids.length)
  expect(messages.map(({ parent_id }) => parent_id)).toEqual([null, ...ids].slice(0, ids.length))
  for (const [index, message] of messages.entries()) {
    const calls = message.tool_calls ?? []
    const results = messages.slice(index + 1, index + 1 + calls.length)
    expect(results.map(({ tool_call_id }) => tool_call_id)).toEqual(calls.map(({ id }) => id))
    if (message.role === 'tool') {
      expect(messages[index - 1]?.tool_calls?.map(({ id }) => id)).toEqual([message.tool_call_id])
    }
  }
}

test(
  'deeds of many on two servers leave a tree of histories',
  { timeout: 120_000 },
  async ({ createServer, database }) => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(deed, deed), { minLength: 5, maxLength: 9 }), async (pairs) => {
        const { actor, release } = createActor()
        const config = { maxAttempts: 2, queuePollIntervalSeconds: 0.2 }
        const [{ runtime, rest }, { runtime: second, rest: other }] = await Promise.all([
          createServer({ agents: [actor], config }),
          createServer({ agents: [actor], config }),
        ])
        const { body } = await rest.post('conversations', {})
        const talk = createTalk(String(body['id']), database.sql)
        for (const [one, another] of pairs) await Promise.all([talk.act(rest, one), talk.act(other, another)])
        release()
        await vi.waitUntil(talk.isOver, { timeout: 30_000, interval: 20 })

        const parents = new Map<string, string | null>()
        const toVisit = new Set<string>()
        const visited = new Set<string>()
        const look = async () => {
          const messages = await talk.read(rest)
          expectHistory(messages)
          for (const { id, parent_id, siblings = [] } of messages) {
            expect([id, parents.get(id) ?? parent_id]).toEqual([id, parent_id])
            parents.set(id, parent_id)
            visited.add(id)
            expect(siblings.length === 0 || siblings.includes(id)).toBe(true)
            for (const sibling of siblings) if (!visited.has(sibling)) toVisit.add(sibling)
          }
          expectHistory(await talk.read(rest, '&include_failed_runs=true'))
        }
        await look()
        for (const id of toVisit) {
          expect((await talk.select(rest, id)).status).toBe(200)
          expect((await talk.read(rest)).map((message) => message.id)).toContain(id)
          await look()
        }
        await Promise.all([runtime.stop(), second.stop()])
      }),
      { numRuns: 4 },
    )
  },
)
