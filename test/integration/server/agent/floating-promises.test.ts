import { describe, expect, onTestFinished } from 'vitest'
import { z } from 'zod'
import { defineAgent, defineTool, toolLoop } from '../../../../server/index.ts'
import type { AgentContext } from '../../../../server/index.ts'
import { createScriptedModel } from '../../../../server/models/scripted.ts'
import { test } from '../../../support/runtime.ts'

/** Rejections that nobody handled during a test. */
function watchRejections(): unknown[] {
  const seen: unknown[] = []
  const note = (reason: unknown) => void seen.push(reason)
  process.on('unhandledRejection', note)
  onTestFinished(() => void process.off('unhandledRejection', note))
  return seen
}

const never = () => new Promise<never>(() => {})

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
  )
}

/** Starts everything that a context can start, and awaits none of it. */
function beginAll(ctx: AgentContext): void {
  void ctx.step('late', () => 'done')
  void ctx.checkpoint({ late: true })
  void ctx.emit('error', { message: 'late' })
  void ctx.emitMessage('late')
  void ctx.wait('late', z.string())
  void ctx.approve({ name: 'late', arguments: {} })
  void ctx.sleep(1)
  void ctx.messageHistory()
}

const ENDINGS: Record<string, { last: string; end: (ctx: AgentContext) => Promise<unknown> }> = {
  'is cancelled': { last: 'run.cancelled', end: ({ signal }) => aborted(signal) },
  'is cancelled and does not heed it': { last: 'run.cancelled', end: never },
  'times out': { last: 'run.timed_out', end: ({ signal }) => aborted(signal) },
  throws: { last: 'run.failed', end: () => Promise.reject(new Error('thrown')) },
  returns: { last: 'run.succeeded', end: () => Promise.resolve() },
  waits: { last: 'run.waiting', end: (ctx) => ctx.sleep(86_400_000) },
}

describe('what an agent begins and does not await harms nobody when its run', () => {
  test.for(Object.entries(ENDINGS))('%s', async ([how, { last, end }], { createServer }) => {
    const unhandled = watchRejections()
    const [begun, over] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const agent = defineAgent({
      key: 'agent',
      maxAttempts: 1,
      ...(how === 'times out' ? { timeoutMs: 1_000 } : {}),
      async run(ctx) {
        void ctx.step('stopped', ({ signal }) => aborted(signal))
        void ctx.step('overtaken', () => over.promise)
        void over.promise.then(() => beginAll(ctx))
        await ctx.emitMessage('begun')
        begun.resolve()
        await end(ctx)
      },
    })
    const { rest, runtime } = await createServer({ agents: [agent] })
    const id = await rest.create('agent')
    const stream = await rest.stream(`runs/${id}/events?include_all=1`)
    await begun.promise
    if (how.startsWith('is cancelled')) await rest.post(`runs/${id}/cancel`)
    await stream.until(last)
    over.resolve()
    // Stopping waits for all statements under way.
    await runtime.stop()
    await new Promise(setImmediate)
    expect(unhandled).toEqual([])
  })
})

test('nor does a history that can not be read, or is asked for once the run is cancelled', async ({
  createServer,
  database,
}) => {
  const unhandled = watchRejections()
  const [begun, refused] = [Promise.withResolvers<void>(), Promise.withResolvers<unknown>()]
  const agent = defineAgent({
    key: 'agent',
    async run(ctx) {
      const read = () => ctx.messageHistory({ includeFailedRuns: true })
      await database.sql('ALTER TABLE agent_runtime.message RENAME TO away')
      void read()
      await expect(read()).rejects.toThrow('message')
      await database.sql('ALTER TABLE agent_runtime.away RENAME TO message')
      begun.resolve()
      await aborted(ctx.signal).catch(() => {})
      refused.resolve(await ctx.messageHistory().catch((error: unknown) => error))
    },
  })
  const { rest } = await createServer({ agents: [agent] })
  const { body } = await rest.post('conversations', {})
  const id = await rest.create('agent', { conversation_id: body['id'] })
  await begun.promise
  await new Promise(setImmediate)
  expect(unhandled).toEqual([])
  await rest.post(`runs/${id}/cancel`)
  expect(await refused.promise).toBeInstanceOf(Error)
})

test('nor do tools that run at once when one of them waits and the run is cancelled', async ({
  createServer,
}) => {
  const unhandled = watchRejections()
  const slow = defineTool({
    name: 'slow',
    description: 'Takes long',
    input: z.object({}),
    execute: (_, { signal }) => aborted(signal),
  })
  const guarded = defineTool({ ...slow, name: 'guarded', needsApproval: true })
  const failing = defineTool({
    ...slow,
    name: 'failing',
    needsApproval: () => Promise.reject(new Error('who knows')),
  })
  const model = createScriptedModel([
    { toolCalls: ['slow', 'guarded', 'slow'].map((name) => ({ name, arguments: {} })) },
    { toolCalls: ['slow', 'failing'].map((name) => ({ name, arguments: {} })) },
  ])
  const agent = defineAgent({
    key: 'agent',
    async run(ctx) {
      await toolLoop(ctx, { tools: [slow, guarded, failing] })
    },
  })
  const { rest, runtime } = await createServer({ agents: [agent], model })
  for (const last of ['run.cancelled', 'run.failed']) {
    const id = await rest.create('agent')
    const stream = await rest.stream(`runs/${id}/events?include_all=1`)
    await stream.until('tool.call')
    if (last === 'run.cancelled') await rest.post(`runs/${id}/cancel`)
    await stream.until(last)
  }
  await runtime.stop()
  await new Promise(setImmediate)
  expect(unhandled).toEqual([])
})
