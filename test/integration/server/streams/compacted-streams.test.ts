import { describe, expect } from 'vitest'
import type { RunState } from '../../../../client/run-state.ts'
import { initialRunState, reduceRun } from '../../../../client/run-state.ts'
import type { AnyRunEvent } from '../../../../server/contract/event.ts'
import { defineAgent } from '../../../../server/index.ts'
import { test } from '../../../support/runtime.ts'

/**
 * Ends its first attempt in mid-sentence. Every delta is a row, since messages that alternate are not joined.
 */
const narrator = defineAgent({
  key: 'narrator',
  async run(ctx) {
    const say = (messageId: string, content: string) => ctx.emit('assistant.delta', { messageId, content })
    const think = (content: string) => ctx.emit('reasoning.delta', { messageId: 'a', content })
    for (const word of ['Once ', 'upon ', 'a ']) {
      await say('a', word)
      await think(word)
    }
    if (ctx.attempt === 1) throw new Error('the pen broke')
    await say('b', 'Meanwhile ')
    await say('a', 'time.')
    await say('b', 'elsewhere')
    await ctx.emit('assistant.message', { messageId: 'a', content: 'Once upon a time.' })
    return { output: 'told' }
  },
})

const AGED = `
  UPDATE agent_runtime.run SET created_at = created_at - interval '2 h', started_at = started_at - interval '2 h',
    finished_at = finished_at - interval '2 h'`

function viewOf(events: readonly AnyRunEvent[]): Partial<RunState> {
  const { status, attempt, text, messages, error } = events.reduce(reduceRun, initialRunState())
  return { status, attempt, text, messages, error }
}

describe('a run that was compacted', () => {
  test('reads the same over every transport, from every cursor', async ({ createServer, database }) => {
    const { rest, trpc } = await createServer({ agents: [narrator], config: { maxAttempts: 2 } })
    const runId = await rest.create('narrator')
    const everything = { includeAll: true, includeDebug: true }
    const live = await trpc.events({ runId, ...everything })
    const forUsers = await trpc.events({ runId })
    await database.sql(AGED)
    // Each looks when it starts, and all start at once.
    const others = [1, 2, 3].map(() => createServer({ agents: [narrator], worker: false }))
    await Promise.all((await Promise.all(others)).map(({ runtime }) => runtime.start()))
    await expect.poll(() => database.sql('SELECT seq FROM agent_runtime.event')).not.toHaveLength(live.length)

    const left = await trpc.events({ runId, ...everything })
    // Attempt 1: the whole of the aborted sentence and thought. Attempt 2: the beginning of "a", which starts
    // before "b" and ends after it; "b", which never ended; and the thought.
    expect(left.map(({ seq, type, payload }) => [seq, type, payload])).toMatchObject([
      [1, 'run.started', {}],
      [6, 'assistant.delta', { messageId: 'a', content: 'Once upon a ', offset: 0 }],
      [7, 'reasoning.delta', { messageId: 'a', content: 'Once upon a ', offset: 0 }],
      [8, 'run.retrying', {}],
      [9, 'run.started', {}],
      [10, 'assistant.delta', { messageId: 'a', content: 'Once ' }],
      [15, 'reasoning.delta', { messageId: 'a', content: 'Once upon a ', offset: 0 }],
      [16, 'assistant.delta', { messageId: 'b', content: 'Meanwhile ' }],
      [18, 'assistant.delta', { messageId: 'b', content: 'Meanwhile elsewhere', offset: 0 }],
      [19, 'assistant.message', { messageId: 'a', content: 'Once upon a time.' }],
      [20, 'run.succeeded', {}],
    ])
    for (let cursor = 0; cursor < live.length; cursor += 1) {
      const ahead = left.filter(({ seq }) => seq > cursor)
      expect(await trpc.events({ runId, ...everything, lastEventId: cursor })).toEqual(ahead)
      const streamed = await rest.events(`runs/${runId}/events?include_all=1`, {
        headers: { 'last-event-id': String(cursor) },
      })
      expect(streamed.map(({ seq, type }) => ({ seq, type }))).toEqual(
        ahead.map(({ seq, type }) => ({ seq, type })),
      )
      const shown = await trpc.events({ runId, lastEventId: cursor })
      expect(viewOf([...forUsers.filter(({ seq }) => seq <= cursor), ...shown])).toEqual(viewOf(forUsers))
    }
    const [, folded] = await rest.events(`runs/${runId}/events`)
    expect(folded).toMatchObject({ seq: 6, content: 'Once upon a ', message_id: 'a', offset: 0 })
  })

  test('is paged through without a gap', async ({ createServer, database }) => {
    const { rest, trpc } = await createServer({ agents: [narrator], config: { maxAttempts: 2 } })
    const runId = await rest.create('narrator')
    const live = await trpc.events({ runId, includeAll: true })
    await database.sql(AGED)
    await (await createServer({ agents: [narrator], worker: false })).runtime.start()
    await expect.poll(() => database.sql('SELECT seq FROM agent_runtime.event')).not.toHaveLength(live.length)
    const left = await trpc.events({ runId, includeAll: true })
    const seqs: unknown[] = []
    let next: unknown = `/api/agents/runs/${runId}/events?include_all=1&limit=3`
    while (typeof next === 'string') {
      const { pathname, search } = new URL(next, 'http://runtime.test')
      const page = (await rest.get(pathname + search)).body as {
        results: { seq: number }[]
        next: string | null
        count: number
      }
      expect(page.count).toBe(left.length)
      seqs.push(...page.results.map(({ seq }) => seq))
      next = page.next
    }
    expect(seqs).toEqual(left.map(({ seq }) => seq))
  })
})
