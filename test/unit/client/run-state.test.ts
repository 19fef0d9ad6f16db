import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { RunState } from '../../../client/run-state.ts'
import { initialRunState, reduceRun, reduceRunRecord } from '../../../client/run-state.ts'
import type { AnyRunEvent } from '../../../server/contract/event.ts'
import type { Json } from '../../../server/contract/json.ts'
import { TRANSITIONS } from '../../../server/lifecycle/transitions.ts'
import { delta, runEvent, runRecord } from './fake-transport.ts'
import { readState } from './read-state.ts'

function stateAfter(...events: AnyRunEvent[]): RunState {
  return events.reduce(reduceRun, initialRunState())
}

const message = (seq: number, content: string, messageId = 'm1', attempt = 1) =>
  runEvent(seq, { type: 'assistant.message', attempt, payload: { messageId, content } })

const said = (content: string, complete: boolean) => ({
  id: 'm1',
  content,
  complete,
  parts: [{ type: 'text', text: content }],
})

describe('the state of a run', () => {
  it('is queued and empty before the first event', () => {
    expect(readState(stateAfter())).toMatchObject({
      status: 'queued',
      text: '',
      messages: [],
      events: [],
      lastSeq: 0,
    })
  })

  it('is not wrapped by libraries that make proxies of mutable objects', () => {
    // Vue's rule: https://github.com/vuejs/core/blob/v3.5.0/packages/reactivity/src/reactive.ts
    expect(Object.isExtensible(stateAfter(message(1, 'Hello')))).toBe(false)
  })

  it.each(Object.entries(TRANSITIONS))('has the status of a run that is %s', (_, { event, to }) => {
    // Each of them changes the status, because the run before is running or waiting.
    const before = to === 'running' ? 'run.waiting' : 'run.started'
    const events = [before, event].map((type, index) => runEvent(index + 1, { type, payload: {} }))
    expect(stateAfter(...events).status).toBe(to)
  })

  it('has the runs below, and their waits while they are pending', () => {
    const child = { childRunId: 'c', agentKey: 'research' }
    const below = { childRunId: 'd', agentKey: 'ask', parentRunId: 'c' }
    const wait = { name: 'ok', kind: 'input', details: null, schema: {}, expiresAt: null }
    const events = [
      { type: 'run.started', payload: {} },
      { type: 'child.started', payload: { ...child, detached: false } },
      { type: 'run.waiting', payload: { ...wait, name: 'agent:research', kind: 'child' } },
      { type: 'child.waiting', payload: { ...below, waits: [wait] } },
    ].map((event, index) => runEvent(index + 1, event))
    const waiting = stateAfter(...events)
    expect(waiting).toMatchObject({
      status: 'waiting',
      waits: [],
      children: [
        { runId: 'c', status: 'running', waits: [], parentRunId: null },
        { runId: 'd', agentKey: 'ask', status: 'waiting', waits: [wait], parentRunId: 'c' },
      ],
    })
    const answered = reduceRun(
      waiting,
      runEvent(5, { type: 'child.waiting', payload: { ...below, waits: [] } }),
    )
    expect(answered.children.map(({ runId }) => runId)).toEqual(['c'])
    const error = { code: 'agent_error', message: 'It failed.' }
    const ended = { ...child, status: 'failed', error }
    expect(reduceRun(waiting, runEvent(5, { type: 'child.ended', payload: ended }))).toMatchObject({
      status: 'waiting',
      children: [{ runId: 'c', status: 'failed', error, waits: [] }],
    })
  })

  it('joins the deltas of a message', () => {
    const state = stateAfter(delta(2, 'Hel'), delta(3, 'lo'))
    expect(state).toMatchObject({ status: 'running', text: 'Hello', lastSeq: 3 })
    expect(state.messages).toEqual([said('Hello', false)])
  })

  it('replaces the deltas of a message with the whole message, whichever deltas arrived', () => {
    const state = stateAfter(delta(2, 'Hel'), message(9, 'Hello'), delta(10, 'lo'))
    expect(state.messages).toEqual([said('Hello', true)])
    expect(state.text).toBe('Hello')
  })

  it('shows calls that are being written, until they are whole or void', () => {
    const input = (seq: number, toolCallId: string, content: string) =>
      runEvent(seq, { type: 'tool.input', payload: { toolCallId, tool: 'add', content, messageId: 'm1' } })
    const writing = stateAfter(
      input(2, 'a', ''),
      input(3, 'b', '{"x'),
      input(4, 'a', '{"n'),
      input(5, 'a', '":1}'),
    )
    expect(writing.toolInputs).toEqual([
      { toolCallId: 'a', tool: 'add', text: '{"n":1}', messageId: 'm1' },
      { toolCallId: 'b', tool: 'add', text: '{"x', messageId: 'm1' },
    ])
    const called = reduceRun(
      writing,
      runEvent(6, { type: 'tool.call', payload: { toolCallId: 'a', tool: 'add' } }),
    )
    expect(called.toolInputs.map(({ toolCallId }) => toolCallId)).toEqual(['b'])
    const retrying = (messageIds: string[]) =>
      reduceRun(called, runEvent(7, { type: 'run.retrying', payload: { messageIds } })).toolInputs
    expect([retrying(['m1']), retrying(['m2'])]).toEqual([[], called.toolInputs])
    expect(reduceRun(called, runEvent(7, { type: 'run.cancelled', payload: {} })).toolInputs).toEqual([])
    expect(reduceRun(called, runEvent(7, { type: 'tool.input', payload: null })).toolInputs).toEqual(
      called.toolInputs,
    )
  })

  it('replaces earlier deltas with a folded delta, whichever of them arrived', () => {
    const folded = runEvent(4, {
      type: 'assistant.delta',
      payload: { messageId: 'm1', content: 'Hello', offset: 0 },
    })
    for (const seen of [[], [delta(2, 'Hel')], [delta(2, 'Hel'), delta(3, 'lo')]]) {
      expect(stateAfter(...seen, folded).messages).toEqual([said('Hello', false)])
    }
  })

  it('shows the newest message as the text, and keeps all of them', () => {
    const state = stateAfter(message(2, 'Let me look.'), delta(3, 'It is', { messageId: 'm2' }))
    expect(state.text).toBe('It is')
    expect(state.messages.map(({ content }) => content)).toEqual(['Let me look.', 'It is'])
  })

  it('drops the text of a failed attempt when the next one speaks', () => {
    const failed = stateAfter(delta(2, 'Once upon'), message(3, 'a time', 'm2'))
    const retried = reduceRun(failed, delta(5, 'Take two', { messageId: 'm3', attempt: 2 }))
    expect(retried).toMatchObject({ text: 'Take two', attempt: 2 })
    expect(retried.messages).toHaveLength(1)
  })

  it('drops that text too when the next attempt emits something else first', () => {
    const state = stateAfter(delta(2, 'Once'), runEvent(4, { attempt: 2, type: 'custom' }))
    expect(state).toMatchObject({ text: '', messages: [], attempt: 2 })
  })

  it('drops the messages that a retry calls void, and keeps those of a finished step', () => {
    const failed = stateAfter(message(2, 'Looked it up.', 'm1'), delta(3, 'Once upon', { messageId: 'm2' }))
    const retrying = runEvent(4, { type: 'run.retrying', payload: { messageIds: ['m2'] } })
    const retried = [
      retrying,
      runEvent(5, { type: 'run.started', attempt: 2 }),
      delta(6, 'Take two', { messageId: 'm3', attempt: 2 }),
    ].reduce(reduceRun, failed)
    expect(reduceRun(failed, retrying).text).toBe('Looked it up.')
    expect(retried.messages.map(({ content }) => content)).toEqual(['Looked it up.', 'Take two'])
  })

  it('keeps messages over a wait, and replaces those that are said again', () => {
    const wait = { name: 'a', kind: 'input', details: null, schema: {}, expiresAt: null }
    const waiting = [
      message(2, 'May I?', 'asked'),
      delta(3, 'Well', { messageId: 'm2' }),
      runEvent(4, { type: 'run.waiting', payload: wait }),
      runEvent(5, { type: 'run.resumed' }),
      runEvent(6, { type: 'run.started', attempt: 2 }),
    ].reduce(reduceRun, initialRunState())
    expect(waiting.messages.map(({ content }) => content)).toEqual(['May I?', 'Well'])
    const again = [
      delta(7, 'May ', { messageId: 'asked', attempt: 2 }),
      delta(8, 'I?', { messageId: 'asked', attempt: 2 }),
      delta(9, 'Well', { messageId: 'm2', attempt: 2 }),
      delta(10, ' then', { messageId: 'm2', attempt: 2 }),
    ].reduce(reduceRun, waiting)
    expect(again.messages.map(({ content }) => content)).toEqual(['May I?', 'Well then'])
    expect(again.text).toBe('Well then')
  })

  it('only records late events of an earlier attempt', () => {
    const retried = stateAfter(delta(2, 'New', { attempt: 2 }))
    const state = reduceRun(retried, delta(3, 'old', { attempt: 1, messageId: 'm0' }))
    expect(state).toMatchObject({ text: 'New', attempt: 2, lastSeq: 3 })
    expect(state.events).toHaveLength(2)
  })

  it('is queued again while it waits for its retry', () => {
    const state = stateAfter(delta(2, 'a'), runEvent(3, { type: 'run.retrying', payload: {} }))
    expect(state.status).toBe('queued')
  })

  it('has its waits until the run goes on', () => {
    const wait = (name: string) => ({ name, kind: 'input', details: null, schema: {}, expiresAt: null })
    const waiting = stateAfter(
      runEvent(2, { type: 'run.waiting', payload: wait('a') }),
      runEvent(3, { type: 'run.waiting', payload: wait('b') }),
    )
    expect(waiting).toMatchObject({ status: 'waiting', waits: [{ name: 'a' }, { name: 'b' }] })
    const next = [
      runEvent(4, { type: 'run.resumed', payload: { wait: 'a' } }),
      runEvent(5, { type: 'custom', attempt: 2 }),
      runEvent(4, { type: 'run.cancelled', payload: {} }),
    ]
    for (const event of next) expect(reduceRun(waiting, event).waits).toEqual([])
  })

  it('ends with the output, the error, or neither', () => {
    expect(stateAfter(runEvent(2, { type: 'run.succeeded', payload: { output: { n: 1 } } }))).toMatchObject({
      status: 'succeeded',
      output: { n: 1 },
      error: null,
    })
    expect(
      stateAfter(runEvent(2, { type: 'run.failed', payload: { error: 'No luck', code: 'agent_error' } })),
    ).toMatchObject({ status: 'failed', error: { message: 'No luck', code: 'agent_error' } })
    expect(
      stateAfter(runEvent(2, { type: 'run.timed_out', payload: { error: 'Too slow', timeoutMs: 5 } })),
    ).toMatchObject({ status: 'timed_out', error: { message: 'Too slow', code: 'timed_out' } })
    expect(stateAfter(runEvent(2, { type: 'run.cancelled', payload: {} }))).toMatchObject({
      status: 'cancelled',
      error: null,
    })
  })

  it('keeps what was said before the end', () => {
    const state = stateAfter(delta(2, 'Half'), runEvent(3, { type: 'run.cancelled', payload: {} }))
    expect(state.text).toBe('Half')
  })

  it('never changes after the end', () => {
    const over = stateAfter(runEvent(2, { type: 'run.cancelled', payload: {} }))
    expect(reduceRun(over, delta(3, 'late')).status).toBe('cancelled')
    expect(reduceRunRecord(over, runRecord({ status: 'succeeded' })).status).toBe('cancelled')
  })

  it('takes the end from the record when no event told of it', () => {
    const record = runRecord({ status: 'succeeded', attempt: 1, output: { response: 'Hi' } })
    const state = reduceRunRecord(stateAfter(delta(2, 'Hi')), record)
    expect(state).toMatchObject({ status: 'succeeded', output: { response: 'Hi' }, text: 'Hi' })
  })

  it('takes the output from the record when the event had none', () => {
    const succeeded = stateAfter(runEvent(2, { type: 'run.succeeded', payload: {} }))
    expect(succeeded).toMatchObject({ status: 'succeeded', output: null })
    const record = runRecord({ status: 'succeeded', attempt: 1, output: 42 })
    expect(reduceRunRecord(succeeded, record)).toMatchObject({ status: 'succeeded', output: 42 })
  })

  it('is running once it has started, and queued once it is resumed', () => {
    const started = stateAfter(runEvent(1, { type: 'run.started', visibility: 'internal', payload: {} }))
    expect(started.status).toBe('running')
    const resumed = reduceRun(started, runEvent(2, { type: 'run.resumed', payload: {} }))
    expect(resumed.status).toBe('queued')
  })

  it('only records unknown events of a newer server', () => {
    const other = (seq: number) => runEvent(seq, { type: 'run.delivered', attempt: 0 })
    expect(stateAfter(other(1))).toMatchObject({ status: 'queued', lastSeq: 1 })
    const waiting = stateAfter(runEvent(1, { type: 'run.waiting', attempt: 0, payload: {} }))
    expect(reduceRun(waiting, other(2))).toMatchObject({ status: 'waiting', waits: [{}], lastSeq: 2 })
  })

  it('is running after any event of its agent, and after each heartbeat', () => {
    for (const type of ['custom', 'tool.call', 'error', 'run.heartbeat']) {
      expect(stateAfter(runEvent(3, { type })).status).toBe('running')
    }
  })

  it('does not change with an event that was seen before', () => {
    const state = stateAfter(delta(2, 'a'), delta(3, 'b'))
    expect(reduceRun(state, delta(3, 'b'))).toBe(state)
    expect(reduceRun(state, delta(1, 'z'))).toBe(state)
  })

  it('leaves earlier states unchanged', () => {
    const one = stateAfter(delta(2, 'a'))
    const two = reduceRun(one, delta(3, 'b'))
    const fork = reduceRun(one, delta(3, 'c'))
    expect(one.events.toArray()).toHaveLength(1)
    expect(two.text).toBe('ab')
    expect(fork.text).toBe('ac')
    expect(fork.events.toArray().map(({ payload }) => payload)).toEqual([
      { messageId: 'm1', content: 'a' },
      { messageId: 'm1', content: 'c' },
    ])
    expect(two.events.toArray()).toHaveLength(2)
  })

  it('must come from the client, because a copy lacks private fields', () => {
    expect(() => reduceRun({ ...stateAfter(delta(2, 'a')) }, delta(3, 'b'))).toThrow(TypeError)
  })

  const events = fc
    .array(
      fc.record({
        type: fc.oneof(
          fc.constantFrom(
            'assistant.delta',
            'assistant.message',
            'run.retrying',
            'run.failed',
            'run.succeeded',
            'error',
          ),
          fc.string(),
        ),
        newAttempt: fc.boolean(),
        payload: fc.oneof(
          fc.record({ messageId: fc.constantFrom('m1', 'm2'), content: fc.string() }),
          fc.jsonValue() as fc.Arbitrary<Json>,
        ),
      }),
      { maxLength: 40 },
    )
    .map((drafts) => {
      let attempt = 1
      return drafts.map(({ newAttempt, ...draft }, index) => {
        if (newAttempt) attempt += 1
        return runEvent(index + 1, { ...draft, attempt })
      })
    })

  it('takes any event of any type, and repeated ones change nothing', () => {
    fc.assert(
      fc.property(events, fc.array(fc.nat(39)), (stream, repeats) => {
        const once = stream.reduce(reduceRun, initialRunState())
        const repeated = stream.flatMap((event, index) =>
          repeats.includes(index) ? [event, stream[0]!, event] : [event],
        )
        expect(readState(repeated.reduce(reduceRun, initialRunState()))).toEqual(readState(once))
        expect(once.events.toArray()).toEqual(stream)
      }),
    )
  })

  it('is the same after a break anywhere, if reading continues after the last event seen', () => {
    fc.assert(
      fc.property(events, fc.nat(40), fc.nat(40), (stream, cut, overlap) => {
        const first = stream.slice(0, cut).reduce(reduceRun, initialRunState())
        const resumed = stream.slice(Math.max(0, cut - overlap)).reduce(reduceRun, first)
        expect(readState(resumed)).toEqual(readState(stream.reduce(reduceRun, initialRunState())))
      }),
    )
  })

  it('shows only what the newest attempt said', () => {
    fc.assert(
      fc.property(events, (stream) => {
        const open = stream.filter(({ type }) => type !== 'run.failed' && type !== 'run.succeeded')
        const newest = open.filter(({ attempt }) => attempt === open.at(-1)?.attempt)
        const all = open.reduce(reduceRun, initialRunState())
        const alone = newest.reduce(reduceRun, initialRunState())
        expect([all.text, all.messages]).toEqual([alone.text, alone.messages])
      }),
    )
  })
})
