import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { AnyAgent } from '../../../../server/agent/agent.ts'
import { defineAgent } from '../../../../server/agent/define-agent.ts'
import { NonRetriableError } from '../../../../server/agent/non-retriable-error.ts'
import { AgentRuntimeError } from '../../../../server/contract/agent-runtime-error.ts'
import { createVisibilityOf } from '../../../../server/events/visibility.ts'
import { ModelError } from '../../../../server/ports/model.ts'
import { createScriptedModel } from '../../../../server/models/scripted.ts'
import type { ClaimedRun } from '../../../../server/ports/attempt.ts'
import { NOTHING_SPENT } from '../../../../server/ports/spent.ts'
import { executeAttempt } from '../../../../server/worker/execute-attempt.ts'
import { noTracer } from '../../../../server/ports/no-tracer.ts'
import { createInbox } from '../../../../server/worker/inbox.ts'
import { RunInterruption } from '../../../../server/worker/interruption.ts'
import { settled } from '../../../support/manual-clock.ts'
import { createWriter } from '../events/create-writer.ts'

const TIMEOUT_MS = 60_000
const GRACE_MS = 5_000

/** One attempt of an agent over fake ports. */
function createAttempt(agent: AnyAgent, more: Partial<ClaimedRun> = {}) {
  const { store, writer, clock, log } = createWriter()
  const claimed = store.add('run')
  const controller = new AbortController()
  const run: ClaimedRun = {
    ...claimed,
    agentKey: agent.key,
    agentVersion: null,
    principal: { id: 'owner', tenantId: '', kind: 'user' },
    conversationId: null,
    failures: 0,
    losses: 0,
    maxAttempts: 1,
    budget: null,
    priority: 0,
    params: null,
    metadata: {},
    preferences: {},
    messages: [],
    isHistoryCut: false,
    state: undefined,
    timeoutMs: TIMEOUT_MS,
    cancelRequested: false,
    traceparent: null,
    earlierTraceparent: null,
    earlierAttempt: null,
    parentRunId: null,
    depth: 0,
    hasChildren: false,
    sent: 0,
    waitedMs: 0,
    ...more,
  }
  const ports = {
    writer,
    clock,
    log,
    store: {
      readSteps: async () => [],
      readStepNames: async () => [],
      readTold: async () => [],
      readWholeHistory: async () => [],
      readSpent: async () => NOTHING_SPENT,
      readSettledWaits: async () => [],
      saveStep: async () => ({ sent: 0 }),
      renewLeases: async () => [{ id: 'run', cancelRequested: false, sent: 0 }],
      saveCheckpoint: async () =>
        store.run('run').attempt === run.attempt ? ('written' as const) : ('fenced' as const),
      findFilesOfRun: async () => [],
      hasProgress: async () => false,
      forgetProgress: async () => null,
      readMemoryOfRun: async () => null,
      listMemoriesOfRun: async () => [],
      writeMemory: async () => 'written' as const,
      forgetMemory: async () => 'absent' as const,
      takePlacesBelow: async () => 0,
      startChild: async () => 'fenced' as const,
      handOff: async () => 'fenced' as const,
    },
    letIn: async () => {},
    bus: { publish: () => {} },
    children: {
      agents: new Map(),
      maxAttempts: 1,
      timeoutMs: TIMEOUT_MS,
      runsAtOnce: { principal: null, tenant: null },
      maxDepth: 0,
      maxChildren: 0,
      maxBelow: 0,
    },
    files: { write: async () => {}, read: () => new ReadableStream<Uint8Array>(), remove: async () => {} },
    llm: createScriptedModel([]),
    modelIdleTimeoutMs: 60_000,
    visibilityOf: createVisibilityOf({}),
    cancelGraceMs: GRACE_MS,
    tracer: noTracer,
    leaseTtlMs: 30_000,
    retryPolicy: { delayMs: 1_000, maxDelayMs: 4_000 },
    random: () => 0.5,
  }
  return {
    store,
    clock,
    log,
    controller,
    execute: () =>
      executeAttempt(ports, {
        run,
        agent,
        runLog: writer.open(run),
        inbox: createInbox({ takeSent: async () => [] }, run),
        controller,
      }),
    end: () => store.run('run').events.at(-1),
    status: () => store.run('run').status,
    /** A cancel is asked for in the store first, as the worker finds it there. */
    interrupt(kind: RunInterruption['kind']) {
      if (kind === 'cancelled') store.run('run').cancelRequested = true
      controller.abort(new RunInterruption(kind))
    },
  }
}

/** Waits for the signal, as an agent should. */
const heeding = defineAgent({
  key: 'heeding',
  run: (ctx) =>
    new Promise<void>((_, reject) => ctx.signal.addEventListener('abort', () => reject(ctx.signal.reason))),
})
const ignoring = defineAgent({ key: 'ignoring', run: () => new Promise<void>(() => {}) })

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

describe('an interruption', () => {
  test.each([
    { kind: 'cancelled', type: 'run.cancelled' },
    { kind: 'timed_out', type: 'run.timed_out' },
  ] as const)('$kind ends the run as soon as the agent heeds it', async ({ kind, type }) => {
    const attempt = createAttempt(heeding)
    const done = attempt.execute()
    await settled()
    attempt.interrupt(kind)
    await done
    expect(attempt.end()?.type).toBe(type)
    expect(attempt.clock.sleeping).toBe(0)
  })

  test('by the clock: not before its time, and with the limit in the message', async () => {
    const attempt = createAttempt(heeding)
    const done = attempt.execute()
    await settled()
    attempt.clock.advance(TIMEOUT_MS - 1)
    await settled()
    expect(attempt.status()).toBe('running')
    attempt.clock.advance(1)
    await done
    expect(attempt.end()).toMatchObject({ type: 'run.timed_out', payload: { timeoutMs: TIMEOUT_MS } })
  })

  test('an agent that ignores it is abandoned after its grace, and can add nothing', async () => {
    const resume = Promise.withResolvers<void>()
    const agent = defineAgent({
      key: 'a',
      run: async (ctx) => {
        await resume.promise
        await ctx.emitMessage('too late')
      },
    })
    const attempt = createAttempt(agent)
    const done = attempt.execute()
    await settled()
    attempt.interrupt('cancelled')
    await settled()
    attempt.clock.advance(GRACE_MS - 1)
    await settled()
    expect(attempt.status()).toBe('running')
    attempt.clock.advance(1)
    await done
    resume.resolve()
    await settled()
    expect(attempt.store.run('run').events.map(({ type }) => type)).toEqual(['run.started', 'run.cancelled'])
  })

  test('an agent whose run was cancelled before it began is not started', async () => {
    let started = false
    const attempt = createAttempt(defineAgent({ key: 'a', run: async () => void (started = true) }))
    attempt.interrupt('cancelled')
    await attempt.execute()
    expect(attempt.end()?.type).toBe('run.cancelled')
    expect(started).toBe(false)
  })

  test('a lost run is not ended by who lost it, heeding or not', async () => {
    for (const agent of [heeding, ignoring]) {
      const attempt = createAttempt(agent)
      const done = attempt.execute()
      await settled()
      attempt.interrupt('lost')
      await settled()
      attempt.clock.advance(GRACE_MS)
      expect(await done).toBe('lost')
      expect(attempt.store.run('run').events).toHaveLength(1)
    }
  })

  test('a run that was taken over while it was being cancelled is lost, not over', async () => {
    const attempt = createAttempt(heeding)
    const done = attempt.execute()
    await settled()
    attempt.interrupt('cancelled')
    attempt.store.run('run').attempt = 2
    expect(await done).toBe('lost')
  })

  test('a cancel that comes between return and commit wins', async () => {
    const attempt = createAttempt(
      defineAgent({
        key: 'a',
        run: async (ctx) => {
          await ctx.emitMessage('kept')
          attempt.store.run('run').cancelRequested = true
          return { output: 'never seen' }
        },
      }),
    )
    await attempt.execute()
    expect(attempt.store.run('run').events.map(({ type }) => type)).toEqual([
      'run.started',
      'assistant.message',
      'run.cancelled',
    ])
  })

  test('a checkpoint after another attempt began tells the agent that the run is lost', async () => {
    let caught: unknown
    const attempt = createAttempt(
      defineAgent({
        key: 'a',
        run: async (ctx) => {
          attempt.store.run('run').attempt = 2
          await ctx.checkpoint({ step: 1 }).catch((error: unknown) => {
            caught = error
            throw error
          })
        },
      }),
    )
    expect(await attempt.execute()).toBe('lost')
    expect(caught).toMatchObject({ kind: 'lost' })
    expect(attempt.store.run('run').events).toHaveLength(1)
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

function circle(): object {
  const object: Record<string, unknown> = {}
  object['self'] = object
  return object
}

function toolCallWith(value: unknown): object {
  return { role: 'assistant', content: null, toolCalls: [{ id: '1', name: 'f', arguments: value }] }
}
