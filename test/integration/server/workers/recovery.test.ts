import { describe, expect } from 'vitest'
import { defineAgent, NonRetriableError } from '../../../../server/index.ts'
import { entry, runCli } from '../../../support/cli.ts'
import { createHeldAgent } from '../../../support/held-agent.ts'
import { test } from '../../../support/runtime.ts'

const ALL = 'events?include_all=1'

describe('an agent that fails', () => {
  test('is tried again until it does not, and the stream shows each attempt', async ({ createServer }) => {
    const flaky = defineAgent({
      key: 'flaky',
      maxAttempts: 3,
      async run(ctx) {
        await ctx.emit('assistant.delta', { messageId: `m${ctx.attempt}`, content: `try ${ctx.attempt}` })
        if (ctx.attempt < 3) throw new Error('not yet')
        return { output: ctx.attempt }
      },
    })
    const { rest } = await createServer({ agents: [flaky] })
    const id = await rest.create('flaky')
    const events = await rest.events(`runs/${id}/${ALL}`)
    expect(events.map(({ type, attempt }) => `${String(attempt)} ${type}`)).toEqual([
      '1 run.started',
      '1 assistant.delta',
      '1 run.retrying',
      '2 run.started',
      '2 assistant.delta',
      '2 run.retrying',
      '3 run.started',
      '3 assistant.delta',
      '3 run.succeeded',
    ])
    expect((await rest.get(`runs/${id}`)).body).toMatchObject({
      status: 'succeeded',
      attempt: 3,
      output: { final_output: 3 },
    })
  })

  test('fails its run when its attempts are used up', async ({ createServer }) => {
    const hopeless = defineAgent({
      key: 'hopeless',
      run: async () => {
        throw new Error('never')
      },
    })
    const { rest } = await createServer({ agents: [hopeless] })
    const id = await rest.create('hopeless', { max_attempts: 2 })
    const events = await rest.events(`runs/${id}/${ALL}`)
    expect(events.map(({ type }) => type)).toEqual([
      'run.started',
      'run.retrying',
      'run.started',
      'run.failed',
    ])
  })

  test('fails at once when it says that another attempt is no use', async ({ createServer }) => {
    const empty = defineAgent({
      key: 'empty',
      maxAttempts: 5,
      run: async () => {
        throw new NonRetriableError('The document is empty.')
      },
    })
    const { rest } = await createServer({ agents: [empty] })
    const id = await rest.create('empty')
    expect((await rest.events(`runs/${id}/events`)).map(({ type }) => type)).toEqual([
      'run.started',
      'run.failed',
    ])
  })

  test('can be cancelled while it waits for its next attempt', async ({ createServer }) => {
    const flaky = defineAgent({
      key: 'flaky',
      maxAttempts: 5,
      run: async () => {
        throw new Error('not yet')
      },
    })
    const { rest } = await createServer({ agents: [flaky], config: { retryDelaySeconds: 60 } })
    const id = await rest.create('flaky')
    await expect.poll(async () => (await rest.get(`runs/${id}`)).body['started_at']).not.toBeNull()
    await expect.poll(async () => (await rest.get(`runs/${id}`)).body['status']).toBe('queued')
    expect(await rest.post(`runs/${id}/cancel`)).toMatchObject({
      status: 200,
      body: { run: { status: 'cancelled' } },
    })
    expect((await rest.events(`runs/${id}/events`)).at(-1)?.type).toBe('run.cancelled')
  })
})

test('a worker that drains hands its runs back: no attempt is spent, and another goes on', async ({
  createServer,
}) => {
  const held = createHeldAgent()
  const first = await createServer({ agents: [held.agent], worker: false })
  const worker = await first.runtime.startWorker()
  const id = await first.rest.create('held', { max_attempts: 1 })
  await held.attempt(0)
  const second = await createServer({ agents: [held.agent] })
  await worker.stop({ drainTimeoutMs: 0 })
  expect(await held.attempt(1)).toMatchObject({ runId: id, attempt: 2 })
  held.release()
  const events = await second.rest.events(`runs/${id}/${ALL}`)
  expect(events.map(({ type }) => type)).toEqual([
    'run.started',
    'run.retrying',
    'run.started',
    'run.succeeded',
  ])
})

describe('a worker process that is killed', () => {
  test('has its runs go on elsewhere long before its lease runs out', async ({ createServer, database }) => {
    const env = { DATABASE_URL: database.url }
    await using worker = runCli(['worker', entry('endless')], { cwd: '.', env })
    const held = createHeldAgent({ key: 'endless' })
    const { rest, runtime } = await createServer({ agents: [held.agent], worker: false })
    const id = await rest.create('endless', { max_attempts: 2 })
    await worker.printed(/Working on/)
    await (await rest.stream(`runs/${id}/events`)).until('run.started')
    await runtime.startWorker()
    worker.killAll('SIGKILL')
    // The lease is 30 s, more than this test may take.
    expect(await held.attempt(0)).toMatchObject({ runId: id, attempt: 2 })
    held.release()
    const events = await rest.events(`runs/${id}/${ALL}`)
    expect(events.filter(({ type }) => type === 'run.retrying')).toMatchObject([
      { error: { code: 'worker_lost' }, delay_ms: 0, next_attempt: 2 },
    ])
    expect(events.at(-1)?.type).toBe('run.succeeded')
  })

  test('fails a run that has no attempt left', async ({ createServer, database }) => {
    const env = { DATABASE_URL: database.url }
    await using worker = runCli(['worker', entry('endless')], { cwd: '.', env })
    const other = defineAgent({ key: 'other', async run() {} })
    const endless = createHeldAgent({ key: 'endless' })
    const { rest } = await createServer({ agents: [endless.agent, other], worker: { agentKeys: ['other'] } })
    const id = await rest.create('endless', { max_attempts: 1 })
    await worker.printed(/Working on/)
    await (await rest.stream(`runs/${id}/events`)).until('run.started')
    worker.killAll('SIGKILL')
    const events = await rest.events(`runs/${id}/events`)
    expect(events).toMatchObject([{ type: 'run.started' }, { type: 'run.failed', code: 'worker_lost' }])
  })

  test('leaves a run that was to be cancelled as cancelled', async ({ createServer, database }) => {
    const env = { DATABASE_URL: database.url }
    await using worker = runCli(['worker', entry('endless')], { cwd: '.', env })
    const other = defineAgent({ key: 'other', async run() {} })
    const endless = createHeldAgent({ key: 'endless' })
    const { rest } = await createServer({ agents: [endless.agent, other], worker: { agentKeys: ['other'] } })
    const id = await rest.create('endless', { max_attempts: 3 })
    await worker.printed(/Working on/)
    await (await rest.stream(`runs/${id}/events`)).until('run.started')
    worker.killAll('SIGSTOP')
    await rest.post(`runs/${id}/cancel`)
    worker.killAll('SIGKILL')
    expect((await rest.events(`runs/${id}/events`)).map(({ type }) => type)).toEqual([
      'run.started',
      'run.cancelled',
    ])
  })
})

test('a run whose lease ran out is taken over, and its old attempt can write nothing more', async ({
  createServer,
  database,
}) => {
  const held = createHeldAgent({ deaf: true })
  const { rest } = await createServer({ agents: [held.agent] })
  const id = await rest.create('held', { max_attempts: 2 })
  const old = await held.attempt(0)
  await database.sql(`UPDATE agent_runtime.run SET lease_expires_at = now() - interval '1 s' WHERE id = $1`, [
    id,
  ])
  const next = await held.attempt(1)
  expect(next).toMatchObject({ runId: id, attempt: 2 })
  await old.emitMessage('a ghost')
  await next.emitMessage('the living')
  held.release()
  const events = await rest.events(`runs/${id}/events`)
  expect(events.flatMap(({ content }) => content ?? [])).toEqual(['the living'])
})
