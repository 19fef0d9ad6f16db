import { describe, expect } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../../../../server/index.ts'
import type { AgentContext } from '../../../../server/index.ts'
import type { RestEvent } from '../../../support/rest-client.ts'
import { test } from '../../../support/runtime.ts'
import { expireLease } from '../../../support/takeover.ts'

/** The page of a reader who follows docs/rest.md, and nothing else. */
function pageOf(events: readonly RestEvent[]): string[] {
  const texts = new Map<string, { attempt: number; text: string }>()
  for (const event of events) {
    const id = String(event['message_id'])
    const content = String(event['content'])
    const before = texts.get(id)
    if (event.type === 'assistant.message') texts.set(id, { attempt: event.attempt, text: content })
    if (event.type === 'assistant.delta') {
      const text = before?.attempt === event.attempt ? before.text + content : content
      texts.set(id, { attempt: event.attempt, text })
    }
    if (event.type === 'run.retrying') {
      for (const gone of event['message_ids'] as string[]) texts.delete(gone)
    }
  }
  return [...texts.values()].map(({ text }) => text)
}

/**
 * Says something in a step and something outside of it, and starts what only its second attempt completes.
 */
function createNarrator(breakOff: (ctx: AgentContext) => Promise<void>) {
  return defineAgent({
    key: 'narrator',
    async run(ctx) {
      await ctx.step('find', async () => {
        await ctx.emitMessage('Found it.')
        await ctx.emit('assistant.delta', { messageId: 'in the step', content: 'Read it.' })
      })
      await ctx.emitMessage('Now I tell.')
      await ctx.emit('assistant.delta', { messageId: `tale ${ctx.attempt}`, content: 'Once upon a ' })
      if (ctx.attempt === 1) await breakOff(ctx)
      await ctx.emit('assistant.delta', { messageId: `tale ${ctx.attempt}`, content: 'time.' })
      return { output: 'told' }
    },
  })
}

const WHOLE = ['Found it.', 'Read it.', 'Now I tell.', 'Once upon a time.']
const sorted = (texts: string[]) => texts.toSorted()

describe('a plain reader, over a break', () => {
  test('of an attempt that failed: sees one answer, and not why it failed', async ({ createServer }) => {
    const narrator = createNarrator(async () => {
      throw new Error('secret')
    })
    const { rest, trpc } = await createServer({ agents: [narrator], config: { maxAttempts: 2 } })
    const id = await rest.create('narrator')
    const events = await rest.events(`runs/${id}/events`)
    expect(sorted(pageOf(events))).toEqual(sorted(WHOLE))
    const retrying = events.find(({ type }) => type === 'run.retrying')
    expect(retrying).toMatchObject({ visibility_level: 'user', next_attempt: 2 })
    expect(Object.keys(retrying?.payload as object).toSorted()).toEqual([
      'delay_ms',
      'message_ids',
      'next_attempt',
    ])
    for (const shown of [
      await trpc.events({ runId: id, includeDebug: true }),
      await rest.events(`runs/${id}/events?include_all=1`),
    ]) {
      expect(shown.find(({ type }) => type === 'run.retrying')).toMatchObject({
        payload: { error: { code: 'agent_error' } },
      })
    }
  })

  test('of a worker that drained', async ({ createServer }) => {
    const begun = Promise.withResolvers<void>()
    const narrator = createNarrator(
      ({ signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error))
          begun.resolve()
        }),
    )
    const first = await createServer({ agents: [narrator], worker: false })
    const worker = await first.runtime.startWorker()
    const id = await first.rest.create('narrator')
    await begun.promise
    const second = await createServer({ agents: [narrator] })
    await worker.stop({ drainTimeoutMs: 0 })
    expect(sorted(pageOf(await second.rest.events(`runs/${id}/events`)))).toEqual(sorted(WHOLE))
  })

  test('of a worker that was lost', async ({ createServer, database }) => {
    const lost = Promise.withResolvers<void>()
    const narrator = createNarrator(() => lost.promise)
    const config = { leaseTtlSeconds: 120, maxAttempts: 3 }
    const { rest } = await createServer({ agents: [narrator], config })
    const id = await rest.create('narrator')
    const stream = await rest.stream(`runs/${id}/events`)
    const isBegun = (event: RestEvent | undefined) => event?.['message_id'] === 'tale 1'
    while (!isBegun(await stream.next()));
    await expireLease(database.sql, id)
    const events = await rest.events(`runs/${id}/events`)
    lost.resolve()
    expect(sorted(pageOf(events))).toEqual(sorted(WHOLE))
    expect(events.find(({ type }) => type === 'run.retrying')?.payload).not.toHaveProperty('error')
  })

  test('for a wait: what was said stays while it lasts, and is not there twice afterwards', async ({
    createServer,
  }) => {
    const narrator = createNarrator(async (ctx) => void (await ctx.wait('go on', z.null())))
    const { rest } = await createServer({ agents: [narrator] })
    const id = await rest.create('narrator')
    const waiting = await (await rest.stream(`runs/${id}/events`)).until('run.waiting')
    const before = ['Found it.', 'Read it.', 'Now I tell.', 'Once upon a ']
    expect(sorted(pageOf(waiting))).toEqual(sorted(before))
    await rest.post(`runs/${id}/respond`, { wait: 'go on', value: null })
    const events = await rest.events(`runs/${id}/events`)
    expect(events.some(({ type }) => type === 'run.retrying')).toBe(false)
    // The second attempt gives the story another name, so it is another message.
    expect(sorted(pageOf(events))).toEqual(sorted([...WHOLE, 'Once upon a ']))
  })
})
