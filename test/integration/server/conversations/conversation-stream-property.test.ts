// A reader of a conversation is cut off and comes back, over either transport. It must get each event once
// and in order.
import fc from 'fast-check'
import pg from 'pg'
import { expect } from 'vitest'
import { createAgentClient } from '../../../../client/create-client.ts'
import { isTerminalEvent } from '../../../../server/contract/terminal.ts'
import { defineAgent, textOf } from '../../../../server/index.ts'
import { compactRuns } from '../../../../server/postgres/statements/compact-runs.ts'
import { test } from '../../../support/runtime.ts'

const WORDS = ['Once ', 'upon ', 'a ', 'time.']

/**
 * Tells its story in rows of their own. If told to stumble, its first attempt fails; if told to stop, its
 * last one.
 */
const teller = defineAgent({
  key: 'teller',
  async run(ctx) {
    const told = textOf(ctx.messages.at(-1))
    for (const [index, content] of WORDS.entries()) {
      await ctx.emit('assistant.delta', { messageId: 'story', content })
      await ctx.checkpoint(index)
      if (told === 'stop' || (told === 'stumble' && ctx.attempt === 1)) throw new Error('as told')
    }
    return {}
  },
})

interface Heard {
  runId: string
  seq: number
  type: string
  cursor: string
  content: string | undefined
  offset: number | undefined
}

const segment = fc.record({
  transport: fc.constantFrom('rest' as const, 'trpc' as const),
  take: fc.integer({ min: 1, max: 7 }),
  deed: fc.constantFrom('tell', 'stumble', 'stop', 'compact', 'delete', 'nothing'),
  n: fc.nat(100),
})

/** What a reader puts together from a run's events. */
function storyOf(heard: readonly Heard[]): string {
  return heard.reduce((text, { type, content = '', offset }) => {
    if (type === 'run.retrying') return ''
    return type === 'assistant.delta' ? text.slice(0, offset) + content : text
  }, '')
}

test(
  'a reader that is cut off anywhere has each event once',
  { timeout: 120_000 },
  async ({ createServer, database }) => {
    const { rest, runtime } = await createServer({ agents: [teller], config: { maxAttempts: 2 } })
    const pool = new pg.Pool({ connectionString: database.url, application_name: 'test' })
    const client = createAgentClient<typeof runtime>({
      url: 'http://runtime.test/trpc',
      fetch: (input, init) => runtime.handler(new Request(input, init)),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(segment, { minLength: 4, maxLength: 10 }), async (segments) => {
        const id = String((await rest.post('conversations', {})).body['id'])
        const told = new Map<string, string>()
        const deleted = new Set<string>()
        const heard: Heard[] = []
        const ended = () =>
          new Set(heard.filter(({ type }) => isTerminalEvent(type)).map(({ runId }) => runId))
        const isToCome = () => [...told.keys()].some((run) => !ended().has(run) && !deleted.has(run))

        async function act(deed: string, n: number): Promise<void> {
          if (deed === 'nothing') return
          if (deed === 'compact') {
            while (!(await compactRuns(pool, 0)).isDone);
            return
          }
          if (deed !== 'delete') {
            const messages = [{ role: 'user', content: deed }]
            told.set(await rest.create('teller', { conversation_id: id, messages }), deed)
            return
          }
          const run = [...told.keys()].filter((one) => !deleted.has(one))[
            n % Math.max(1, told.size - deleted.size)
          ]
          if (run === undefined) return
          await rest.events(`runs/${run}/events`)
          expect((await rest.request('DELETE', `runs/${run}`)).status).toBe(204)
          deleted.add(run)
        }

        async function* follow(transport: 'rest' | 'trpc'): AsyncGenerator<Heard> {
          const after = heard.at(-1)?.cursor
          if (transport === 'trpc') {
            for await (const event of client.conversations.events(id, after === undefined ? {} : { after })) {
              const { content, offset } = event.payload as { content?: string; offset?: number }
              yield { ...event, content, offset }
            }
            return
          }
          const query = after === undefined ? '' : `?after=${after}`
          const stream = await rest.stream(`conversations/${id}/events${query}`)
          try {
            for (let event = await stream.next(); event !== undefined; event = await stream.next()) {
              const { content, offset } = event.payload as { content?: string; offset?: number }
              const { seq, type, cursor = '' } = event
              yield { runId: String(event['run_id']), seq, type, cursor, content, offset }
            }
          } finally {
            await stream.close()
          }
        }

        async function read(transport: 'rest' | 'trpc', take: number): Promise<void> {
          if (!isToCome()) return
          let taken = 0
          for await (const event of follow(transport)) {
            heard.push(event)
            taken += 1
            if (taken >= take || !isToCome()) break
          }
        }

        for (const { transport, take, deed, n } of segments) {
          await act(deed, n)
          await read(transport, take)
        }
        await read('rest', Number.POSITIVE_INFINITY)

        for (const [run, deed] of told) {
          const of = heard.filter(({ runId }) => runId === run)
          const seqs = of.filter(({ type }) => type !== 'run.deleted').map(({ seq }) => seq)
          expect(seqs).toEqual([...new Set(seqs)].toSorted((a, b) => a - b))
          expect(of.slice(1).map(({ type }) => type)).not.toContain('run.created')
          if (deleted.has(run)) continue
          expect(of[0]?.type).toBe('run.created')
          expect(of.filter(({ type }) => isTerminalEvent(type))).toEqual([of.at(-1)])
          expect(storyOf(of)).toBe(deed === 'stop' ? WORDS[0] : WORDS.join(''))
        }
      }),
      { numRuns: 8 },
    )
    await pool.end()
  },
)
