import { describe, expect, test } from 'vitest'
import { defineAgent } from '../../../../server/agent/define-agent.ts'
import { settled } from '../../../support/manual-clock.ts'
import { TIMEOUT_MS, GRACE_MS, createAttempt, heeding } from './attempt-scene.ts'

const ignoring = defineAgent({ key: 'ignoring', run: () => new Promise<void>(() => {}) })

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
