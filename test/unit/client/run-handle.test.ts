import { describe, expect, it } from 'vitest'
import { followRun } from '../../../client/follow-run.ts'
import type { RunHandle } from '../../../client/run-handle.ts'
import { createRunHandle } from '../../../client/run-handle.ts'
import { RunFailedError } from '../../../client/run-failed-error.ts'
import type { RunDetail } from '../../../server/contract/run.ts'
import type { FakeTransport } from './fake-transport.ts'
import {
  delta,
  dependencies,
  fakeClock,
  fakeTransport,
  RUN_ID,
  runEvent,
  runRecord,
} from './fake-transport.ts'

function handle(transport: FakeTransport, run: RunDetail = runRecord()): RunHandle {
  const cancelRun = async () => runRecord({ cancelRequestedAt: '2026-01-01T00:00:01.000Z' })
  const respond = async () => runRecord({ status: 'queued' })
  const send = async () => ({ messageId: 'm', run: runRecord() })
  const runTools = async () => {}
  const following = dependencies(transport, fakeClock())
  return createRunHandle(
    {
      followRun: (runId, options) => followRun(following, runId, options),
      getRun: (runId, { signal } = {}) => transport.getRun(runId, signal),
      ...{ cancelRun, respond, send, runTools },
    },
    run,
  )
}

describe('a run handle', () => {
  it('resolves with the output of a run that succeeded', async () => {
    const transport = fakeTransport(runRecord({ status: 'succeeded', output: { response: 'Hi' } }))
    const result = handle(transport).result()
    const stream = await transport.opened(0)
    stream.onCompleted()
    expect(await result).toEqual({ response: 'Hi' })
  })

  it('resolves with the output if the event of the success lacks it', async () => {
    const transport = fakeTransport(runRecord({ status: 'succeeded', output: { response: 'Hi' } }))
    const result = handle(transport).result()
    const stream = await transport.opened(0)
    stream.onEvent(runEvent(2, { type: 'run.succeeded', payload: {} }))
    expect(await result).toEqual({ response: 'Hi' })
    expect(transport.recordReads).toBe(1)
  })

  it('needs no connection if the run was over when the handle was made', async () => {
    const transport = fakeTransport()
    expect(await handle(transport, runRecord({ status: 'succeeded', output: 42 })).result()).toBe(42)
    expect(transport.streams).toHaveLength(0)
  })

  it('needs no second connection after the events were read to their end', async () => {
    const transport = fakeTransport(runRecord({ status: 'succeeded', output: 42 }))
    const run = handle(transport)
    const read = (async () => {
      for await (const _ of run.events());
    })()
    const stream = await transport.opened(0)
    stream.onEvent(delta(2, 'a'))
    stream.onCompleted()
    await read
    expect(await run.result()).toBe(42)
    expect(transport.streams).toHaveLength(1)
    expect(transport.recordReads).toBe(1)
  })

  it.each([
    [
      'run.failed',
      { error: 'No luck', code: 'agent_error', details: { at: 3 } },
      'failed',
      'No luck',
      'agent_error',
    ],
    ['run.timed_out', { error: 'Too slow', timeoutMs: 5 }, 'timed_out', 'Too slow', 'timed_out'],
    ['run.cancelled', {}, 'cancelled', 'The run was cancelled.', undefined],
  ])('rejects with how the run ended: %s', async (type, payload, code, message, reason) => {
    const transport = fakeTransport()
    const result = handle(transport).result()
    const stream = await transport.opened(0)
    stream.onEvent(runEvent(2, { type, payload }))
    const error = await result.catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(RunFailedError)
    expect(error).toMatchObject({ code, message, reason, runId: RUN_ID })
  })

  it('stops waiting for the result when the signal aborts', async () => {
    const transport = fakeTransport()
    const controller = new AbortController()
    const result = handle(transport).result({ signal: controller.signal })
    const stream = await transport.opened(0)
    controller.abort(new Error('enough'))
    await expect(result).rejects.toThrow('enough')
    expect(stream.isClosed).toBe(true)
  })

  it('never resolves with a part of a text when it is detached while it reads events', async () => {
    const transport = fakeTransport()
    const run = handle(transport, runRecord({ status: 'succeeded', output: {} }))
    const text = run.text()
    const stream = await transport.opened(0)
    stream.onEvent(delta(2, 'Part'))
    run.detach()
    await expect(text).rejects.toMatchObject({ name: 'AbortError' })
    expect(stream.isClosed).toBe(true)
    // Afterwards the handle works as before.
    const again = run.text()
    const second = await transport.opened(1)
    second.onEvent(delta(2, 'Part, and the whole'))
    second.onEvent(runEvent(3, { type: 'run.succeeded', payload: { output: {} } }))
    expect(await again).toBe('Part, and the whole')
  })

  it('resolves with no text when it is detached while it reads the run', async () => {
    const said = { id: 'm1', runId: RUN_ID, createdAt: '2026-01-01T00:00:01.000Z' }
    const messages = [{ ...said, role: 'assistant' as const, content: 'The whole' }]
    const transport = fakeTransport(runRecord({ status: 'succeeded', messages }))
    const answer = Promise.withResolvers<void>()
    const slow: FakeTransport = {
      ...transport,
      getRun: (...asked) => answer.promise.then(() => transport.getRun(...asked)),
    }
    const run = handle(slow, runRecord({ status: 'succeeded', output: {} }))
    const text = run.text()
    run.detach()
    answer.resolve()
    await expect(text).rejects.toMatchObject({ name: 'AbortError' })
    expect(await run.text()).toBe('The whole')
  })

  it('does not stop the run when its loop is left, but only when it is cancelled', async () => {
    const transport = fakeTransport()
    const run = handle(transport)
    const read = (async () => {
      for await (const _ of run.events()) break
    })()
    const stream = await transport.opened(0)
    stream.onEvent(delta(2, 'a'))
    await read
    expect(stream.isClosed).toBe(true)
    expect((await run.cancel()).cancelRequestedAt).not.toBeNull()
  })
})
