import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../../../../server/agent/define-agent.ts'
import { NonRetriableError } from '../../../../server/agent/non-retriable-error.ts'
import { AgentRuntimeError } from '../../../../server/contract/agent-runtime-error.ts'
import { ModelError } from '../../../../server/ports/model.ts'
import { settled } from '../../../support/manual-clock.ts'
import { createAttempt, heeding } from './attempt-scene.ts'

function circle(): object {
  const object: Record<string, unknown> = {}
  object['self'] = object
  return object
}

function toolCallWith(value: unknown): object {
  return { role: 'assistant', content: null, toolCalls: [{ id: '1', name: 'f', arguments: value }] }
}

describe('an agent that returns', () => {
  test('ends its run with the output its schema made', async () => {
    const output = z.object({ n: z.number().default(7) })
    const attempt = createAttempt(defineAgent({ key: 'a', output, run: async () => ({ output: {} }) }))
    expect(await attempt.execute()).not.toBe('lost')
    expect(attempt.end()).toMatchObject({ type: 'run.succeeded', payload: { output: { n: 7 } } })
  })

  test.each([
    { what: 'a bigint', output: { n: 10n } },
    { what: 'a function', output: () => {} },
    { what: 'a symbol', output: Symbol('s') },
    { what: 'itself within itself', output: circle() },
    { what: 'what throws when written', output: { toJSON: () => JSON.parse('') as unknown } },
  ])('$what fails its run, and nothing else', async ({ output }) => {
    const attempt = createAttempt(defineAgent({ key: 'a', run: async () => ({ output: output as never }) }))
    await attempt.execute()
    expect(attempt.end()).toMatchObject({ type: 'run.failed', payload: { code: 'invalid_output' } })
    expect(attempt.status()).toBe('failed')
  })

  test.each([
    { what: 'of no known role', messages: [{ role: 'robot', content: 'x' }] },
    { what: 'without content', messages: [{ role: 'assistant' }] },
    { what: 'that are no list', messages: 'hello' },
    { what: 'with arguments that are no JSON', messages: [toolCallWith(10n)] },
  ])('messages $what fails its run', async ({ messages }) => {
    const attempt = createAttempt(
      defineAgent({ key: 'a', run: async () => ({ messages: messages as never }) }),
    )
    await attempt.execute()
    expect(attempt.end()).toMatchObject({ type: 'run.failed', payload: { code: 'invalid_output' } })
  })
})

describe('an agent that throws', () => {
  test('says nothing of why to its owner, and all of it to the log', async () => {
    const attempt = createAttempt(
      defineAgent({
        key: 'a',
        run: async () => {
          throw new Error('password is hunter2')
        },
      }),
    )
    await attempt.execute()
    expect(attempt.end()).toMatchObject({ type: 'run.failed', payload: { code: 'agent_error' } })
    expect(JSON.stringify(attempt.store.run('run').events)).not.toContain('hunter2')
    expect(attempt.log.entries).toMatchObject([
      { level: 'error', fields: { err: { message: 'password is hunter2' } } },
      { level: 'info', message: 'a run ended' },
    ])
  })

  test('what it threw for its owner reaches the owner', async () => {
    const error = new AgentRuntimeError('rate_limited', 'Too many today.', { details: { perDay: 3 } })
    const attempt = createAttempt(defineAgent({ key: 'a', run: () => Promise.reject(error) }))
    await attempt.execute()
    expect(attempt.end()?.payload).toEqual({
      error: 'Too many today.',
      code: 'rate_limited',
      details: { perDay: 3 },
    })
  })

  test('details that are no JSON do not keep its run from ending', async () => {
    const error = new AgentRuntimeError('conflict', 'Taken.', { details: { n: 1n } as never })
    const attempt = createAttempt(defineAgent({ key: 'a', run: () => Promise.reject(error) }))
    await attempt.execute()
    expect(attempt.end()).toMatchObject({
      type: 'run.failed',
      payload: { error: 'Taken.', code: 'conflict' },
    })
  })

  test.each([
    { where: 'before its first await', run: () => JSON.parse('') as Promise<void> },
    { where: 'nothing at all', run: () => Promise.reject(undefined as unknown as Error) },
  ])('$where is no different', async ({ run }) => {
    const attempt = createAttempt(defineAgent({ key: 'a', run }))
    await attempt.execute()
    expect(attempt.end()).toMatchObject({ type: 'run.failed', payload: { code: 'agent_error' } })
  })

  test('params a changed schema refuses, or chokes on, fail the run without the agent', async () => {
    let started = false
    const run = async () => void (started = true)
    const schemas = [
      z.object({ n: z.number() }),
      z.preprocess(() => JSON.parse('') as unknown, z.unknown()),
      z.object({}).refine(async () => false),
    ]
    for (const params of schemas) {
      const attempt = createAttempt(defineAgent({ key: 'a', params, run }), { params: {} })
      await attempt.execute()
      expect(attempt.end()?.type).toBe('run.failed')
    }
    expect(started).toBe(false)
  })
})

describe('an agent that fails with attempts left', () => {
  const failing = (error: unknown) => defineAgent({ key: 'failing', run: () => Promise.reject(error) })

  test('is tried again after a delay that doubles, and the run is told why', async () => {
    const attempt = createAttempt(failing(new Error('secret')), { maxAttempts: 3, failures: 1 })
    expect(await attempt.execute()).toEqual({
      status: 'queued',
      agentKey: 'failing',
      priority: 0,
      delayMs: 1_500,
      failures: 1,
      losses: 0,
    })
    expect(attempt.status()).toBe('queued')
    expect(attempt.end()).toMatchObject({
      type: 'run.retrying',
      payload: { delayMs: 1_500, nextAttempt: 2, error: { code: 'agent_error' } },
    })
    expect(JSON.stringify(attempt.end())).not.toContain('secret')
  })

  test('fails for good with the last of them', async () => {
    const attempt = createAttempt(failing(new Error('again')), { maxAttempts: 3, failures: 2 })
    await attempt.execute()
    expect(attempt.end()?.type).toBe('run.failed')
  })

  test.each([
    ['a NonRetriableError', new NonRetriableError('The document is empty.')],
    ['a request that is wrong', new AgentRuntimeError('validation_failed', 'No such city.')],
    ["a provider's refusal", new ModelError('No such model.', { retriable: false, status: 404 })],
  ])('fails at once with %s', async (_what, error) => {
    const attempt = createAttempt(failing(error), { maxAttempts: 3 })
    await attempt.execute()
    expect(attempt.end()?.type).toBe('run.failed')
  })

  test("waits as long as a provider's Retry-After asks", async () => {
    const error = new ModelError('Too many requests.', { retriable: true, status: 429, retryAfterMs: 9_000 })
    const attempt = createAttempt(failing(error), { maxAttempts: 3 })
    expect(await attempt.execute()).toMatchObject({ delayMs: 9_000 })
  })

  test('is handed back without spending an attempt when its worker drains', async () => {
    const attempt = createAttempt(heeding, { maxAttempts: 1 })
    const outcome = attempt.execute()
    await settled()
    attempt.interrupt('drained')
    expect(await outcome).toMatchObject({ status: 'queued', delayMs: 0, failures: 0, losses: 0 })
    expect(attempt.end()).toMatchObject({
      type: 'run.retrying',
      payload: { error: { code: 'worker_stopped' } },
    })
  })
})
