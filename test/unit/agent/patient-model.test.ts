import { describe, expect, test, vi } from 'vitest'
import { withFallback } from '../../../server/agent/fallback-model.ts'
import { withPatience } from '../../../server/agent/patient-model.ts'
import { createScriptedModel } from '../../../server/models/scripted.ts'
import type { ScriptedTurn } from '../../../server/models/scripted.ts'
import { ModelError } from '../../../server/ports/model.ts'
import type { ModelErrorCode } from '../../../server/ports/model.ts'
import { collect } from '../../support/model-provider.ts'
import { createSilentLogger } from '../../support/silent-logger.ts'

const hello = { messages: [{ role: 'user' as const, content: 'Hello' }] }
const failure = (code: ModelErrorCode, retryAfterMs?: number) => ({
  error: new ModelError(code, {
    code,
    retriable: true,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  }),
})

/** A patient model. Its clock moves only while it waits. */
function patient(turns: readonly ScriptedTurn[], patienceMs = 300_000) {
  let time = 0
  const waits: number[] = []
  const model = createScriptedModel(turns)
  return {
    waits,
    model: withPatience(model, {
      patienceMs,
      log: createSilentLogger(),
      now: () => time,
      async sleep(ms) {
        waits.push(ms)
        time += ms
      },
    }),
  }
}

describe('a model without room', () => {
  test('is waited for, with growing pauses, for minutes', async () => {
    const { model, waits } = patient([
      ...Array.from({ length: 8 }, () => failure('overloaded')),
      { text: 'Hi' },
    ])
    expect(await collect(model, hello)).toContainEqual({ type: 'text', text: 'Hi' })
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000])
  })

  test('is asked again no sooner than it asks', async () => {
    const { model, waits } = patient([failure('rate_limited', 45_000), failure('overloaded'), { text: 'Hi' }])
    await collect(model, hello)
    expect(waits).toEqual([45_000, 2_000])
  })

  test('is given up when the time is over, or would be', async () => {
    const long = patient(Array.from({ length: 99 }, () => failure('overloaded')))
    await expect(collect(long.model, hello)).rejects.toMatchObject({ code: 'overloaded' })
    expect(long.waits.reduce((sum, ms) => sum + ms, 0)).toBeLessThanOrEqual(300_000)
    const asking = patient([failure('rate_limited', 301_000)])
    await expect(collect(asking.model, hello)).rejects.toMatchObject({ retryAfterMs: 301_000 })
    expect(asking.waits).toEqual([])
  })

  test.for<ModelErrorCode>([
    'connection',
    'server_error',
    'context_overflow',
    'refused',
    'quota_exhausted',
    'unknown',
  ])('is told apart from one that fails: %s', async (code) => {
    const { model, waits } = patient([failure(code), { text: 'Hi' }])
    await expect(collect(model, hello)).rejects.toMatchObject({ code })
    expect(waits).toEqual([])
  })

  test('is not asked again for an answer that has begun', async () => {
    const { model } = patient([[{ type: 'text', text: 'H' }, failure('overloaded')], { text: 'Hi' }])
    await expect(collect(model, hello)).rejects.toMatchObject({ code: 'overloaded' })
  })

  test('is no longer waited for once the run is cancelled', async () => {
    const reason = new Error('cancelled')
    const controller = new AbortController()
    const sleep = vi.fn<(ms: number, signal: AbortSignal) => Promise<void>>(async () =>
      controller.abort(reason),
    )
    const model = createScriptedModel([failure('overloaded'), { text: 'Hi' }])
    const asked = withPatience(model, { patienceMs: 1e6, log: createSilentLogger(), now: () => 0, sleep })
    await expect(collect(asked, hello, controller.signal)).rejects.toBe(reason)
    expect(model.requests).toHaveLength(1)
  })
})

describe('a chain', () => {
  const named = (name: string, turns: readonly ScriptedTurn[]) =>
    createScriptedModel(turns, { name, provider: `p-${name}` })

  test('goes on with the next, which then is who answered', async () => {
    const chain = withFallback([
      named('a', [failure('overloaded')]),
      named('b', [failure('refused')]),
      named('c', [{ text: 'Hi' }]),
    ])
    expect((await collect(chain, hello)).at(-1)).toMatchObject({ answeredBy: { provider: 'p-c', name: 'c' } })
  })

  test('does not for a request that is wrong, an answer that has begun, or a bug', async () => {
    const other = named('b', [])
    for (const turn of [
      failure('invalid_request'),
      [{ type: 'text' as const, text: 'H' }, failure('connection')],
      { error: new Error('bug') },
    ]) {
      await expect(collect(withFallback([named('a', [turn]), other]), hello)).rejects.toBeInstanceOf(Error)
    }
    expect(other.requests).toHaveLength(0)
  })

  test('ends with the error of its last', async () => {
    const chain = withFallback([named('a', [failure('overloaded')]), named('b', [failure('connection')])])
    await expect(collect(chain, hello)).rejects.toMatchObject({ code: 'connection' })
  })
})
