import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { withIdleLimit } from '../../../server/agent/idle-limit.ts'
import type { Model, ModelChunk } from '../../../server/ports/model.ts'

const never = () => new Promise<never>(() => {})
const hello = { messages: [{ role: 'user' as const, content: 'Hello' }] }
const say = (content: string): ModelChunk => ({ type: 'text', text: content })
const finish: ModelChunk = {
  type: 'finish',
  reason: 'stop',
  usage: { inputTokens: 0, outputTokens: 0 },
}

/** All chunks of a model, and how the stream ended. */
async function listen(model: Model, signal = new AbortController().signal) {
  const chunks: ModelChunk[] = []
  try {
    for await (const chunk of model.stream(hello, signal)) chunks.push(chunk)
    return { chunks, error: undefined }
  } catch (error) {
    return { chunks, error }
  }
}

describe('a model that falls silent', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  const silent = expect.objectContaining({ name: 'ModelError', retriable: true }) as unknown

  test('in mid-answer is given up when its time is over, heed it its signal or not', async () => {
    const signals: AbortSignal[] = []
    const model: Model = {
      provider: 'x',
      name: 'm',
      async *stream(_request, signal) {
        signals.push(signal)
        yield say('Hel')
        await never()
      },
    }
    const heard = listen(withIdleLimit(model, 1_000))
    await vi.advanceTimersByTimeAsync(999)
    expect(signals[0]?.aborted).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(await heard).toEqual({ chunks: [say('Hel')], error: silent })
    expect(signals[0]?.aborted).toBe(true)
    expect(String((await heard).error)).toContain('The model "m" has been silent for 1 s.')
  })

  test('before it begins has five times as long', async () => {
    const model: Model = {
      provider: 'x',
      name: 'm',
      async *stream() {
        await never()
        yield finish
      },
    }
    let outcome: unknown
    void listen(withIdleLimit(model, 1_000)).then((ended) => (outcome = ended))
    await vi.advanceTimersByTimeAsync(4_999)
    expect(outcome).toBeUndefined()
    await vi.advanceTimersByTimeAsync(1)
    expect(outcome).toEqual({ chunks: [], error: silent })
  })

  test('and shows that it lives is not given up', async () => {
    const model: Model = {
      provider: 'x',
      name: 'm',
      async *stream(_request, _signal, onActivity) {
        yield say('Hel')
        for (let beat = 0; beat < 10; beat += 1) {
          await new Promise((resolve) => setTimeout(resolve, 900))
          onActivity?.()
        }
        yield finish
      },
    }
    const heard = listen(withIdleLimit(model, 1_000))
    await vi.advanceTimersByTimeAsync(9_000)
    expect(await heard).toEqual({ chunks: [say('Hel'), finish], error: undefined })
  })

  test('because its reader takes its time is not silent', async () => {
    const model: Model = {
      provider: 'x',
      name: 'm',
      async *stream() {
        yield say('Hel')
        yield finish
      },
    }
    const reading = (async () => {
      for await (const chunk of withIdleLimit(model, 1_000).stream(hello, new AbortController().signal)) {
        await new Promise((resolve) => setTimeout(resolve, 60_000))
        if (chunk.type === 'finish') return 'read'
      }
      return 'cut off'
    })()
    await vi.advanceTimersByTimeAsync(120_000)
    expect(await reading).toBe('read')
    expect(vi.getTimerCount()).toBe(0)
  })

  test('and is aborted ends with the abort’s reason', async () => {
    const controller = new AbortController()
    const model: Model = {
      provider: 'x',
      name: 'm',
      async *stream(_request, signal) {
        yield say('Hel')
        await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
      },
    }
    const heard = listen(withIdleLimit(model, 1_000), controller.signal)
    await vi.advanceTimersByTimeAsync(500)
    controller.abort(new Error('cancelled'))
    expect(await heard).toEqual({ chunks: [say('Hel')], error: new Error('cancelled') })
  })
})
