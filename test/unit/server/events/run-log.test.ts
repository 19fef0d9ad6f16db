import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RunLog } from '../../../../server/events/run-log.ts'
import type { EmittedEvent } from '../../../../server/events/emitted-event.ts'
import type { RunEnding } from '../../../../server/ports/attempt.ts'

const SUCCESS: RunEnding = { status: 'succeeded', output: null, error: null, messages: [] }

function event(
  type: string,
  payload: EmittedEvent['payload'],
  more: Partial<EmittedEvent> = {},
): EmittedEvent {
  return { type, payload, visibility: 'user', ts: '2026-01-01T00:00:00.000Z', ...more }
}
const delta = (content: string, more: Partial<EmittedEvent> = {}, messageId = 'm') =>
  event('assistant.delta', { messageId, content }, more)
const ending = () => event('run.succeeded', { output: null })

const open = (lastSeq = 1) => new RunLog({ id: 'run', attempt: 1, lastSeq })
const contents = (log: RunLog) =>
  log.nextAppend({ maxEvents: 500, maxBytes: 1e6 }).events.map((each) => JSON.parse(each.payload) as unknown)

describe('what is large', () => {
  test('goes by itself, and what is larger than a row may be is refused', () => {
    const log = open()
    for (const size of [10, 600, 600, 3_000]) log.push(event('usage', 'x'.repeat(size)))
    const sizes = [0, 1, 2, 3].map(() => {
      const { events } = log.nextAppend({ maxEvents: 500, maxBytes: 1_000 })
      log.settle('written')
      return events.map(({ payload }) => payload.length - 2)
    })
    expect(sizes).toEqual([[10, 600], [600], [3_000], []])
    expect(() => log.push(event('usage', 'x'.repeat(9_000_000)))).toThrow('too large')
    expect(() => log.push(delta('x'.repeat(9_000_000)))).toThrow('too large')
  })
})

describe('pieces of the arguments of calls', () => {
  const input = (toolCallId: string, content: string, messageId = 'm') =>
    event('tool.input', { toolCallId, tool: 'add', content, messageId })

  test('are joined where they follow each other, and belong to one call', () => {
    const log = open()
    for (const piece of [
      input('a', ''),
      input('a', '{'),
      input('b', '['),
      input('a', '}'),
      input('a', '!', 'n'),
    ]) {
      log.push(piece)
    }
    expect(contents(log)).toEqual([
      { toolCallId: 'a', tool: 'add', content: '{', messageId: 'm' },
      { toolCallId: 'b', tool: 'add', content: '[', messageId: 'm' },
      { toolCallId: 'a', tool: 'add', content: '}', messageId: 'm' },
      { toolCallId: 'a', tool: 'add', content: '!', messageId: 'n' },
    ])
  })

  test('keep characters whole, each call its own', async () => {
    const log = open()
    for (const id of ['a', 'b', 'c']) log.push(input(id, '"\ud83d'))
    log.push(input('a', '\ude00'))
    log.push(event('tool.call', { toolCallId: 'b', tool: 'add', arguments: '😀' }))
    void log.end(ending(), SUCCESS)
    const said = contents(log).map((payload) => payload as { toolCallId?: string; content?: string })
    expect(said.map(({ toolCallId, content }) => [toolCallId, content])).toEqual([
      ['a', '"'],
      ['b', '"'],
      ['c', '"'],
      ['a', '😀'],
      ['b', undefined],
      ['c', '\ufffd'],
      [undefined, undefined],
    ])
  })
})

describe('a character that comes in two halves', () => {
  const [high, low] = ['\ud83d', '\ude00']
  const texts = (log: RunLog) => contents(log).map((payload) => (payload as { content: string }).content)

  test('is told whole, with the delta that completes it', () => {
    const log = open()
    log.push(delta(`a${high}`))
    const [sent] = log.nextAppend({ maxEvents: 500, maxBytes: 1e6 }).events
    expect(JSON.parse(sent?.payload ?? '')).toMatchObject({ content: 'a' })
    log.settle('written')
    expect(log.push(delta(high, {}, 'another'))).toBe(0)
    expect(log.hasPending).toBe(false)
    log.push(delta(`${low}b`))
    log.push(delta(low, {}, 'another'))
    expect(texts(log)).toEqual(['😀b', '😀'])
  })

  test('is told at the end when it stays a half, but not beside the whole message', async () => {
    const log = open()
    log.push(delta(`a${high}`))
    log.push(delta(`b${high}`, {}, 'finished'))
    log.push(event('assistant.message', { messageId: 'finished', content: 'b😀' }))
    void log.end(ending(), SUCCESS)
    expect(contents(log)).toEqual([
      { messageId: 'm', content: 'a' },
      { messageId: 'finished', content: 'b' },
      { messageId: 'finished', content: 'b😀' },
      { messageId: 'm', content: '\ufffd' },
      { output: null },
    ])
  })

  test('wherever a text is cut, its deltas are well-formed and make up the text', () => {
    const character = fc.constantFrom('a', 'é', '😀', '👩‍👩‍👧', '\0')
    const cut = fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), isWritten: fc.boolean() })
    fc.assert(
      fc.property(fc.array(character), fc.array(cut, { maxLength: 6 }), (characters, cuts) => {
        const text = characters.join('')
        const log = open()
        const told: string[] = []
        const flush = () => {
          if (!log.hasPending) return
          told.push(...texts(log))
          log.settle('written')
        }
        let start = 0
        for (const { at, isWritten } of cuts.toSorted((a, b) => a.at - b.at)) {
          const end = Math.floor(at * text.length)
          log.push(delta(text.slice(start, end)))
          if (isWritten) flush()
          start = end
        }
        log.push(delta(text.slice(start)))
        flush()
        expect(told.join('')).toBe(text.replaceAll('\0', '\ufffd'))
        expect(told.filter((content) => !content.isWellFormed())).toEqual([])
      }),
    )
  })
})

describe('coalescing', () => {
  test('adjacent deltas of one message become one event', () => {
    const log = open()
    for (const content of ['He', 'll', 'o']) log.push(delta(content))
    expect(contents(log)).toEqual([{ messageId: 'm', content: 'Hello' }])
  })

  test.each([
    { between: 'another message', events: [delta('a'), delta('b', {}, 'n'), delta('c')] },
    { between: 'another visibility', events: [delta('a'), delta('b', { visibility: 'debug' }), delta('c')] },
    {
      between: 'another kind of delta',
      events: [delta('a'), { ...delta('b'), type: 'reasoning.delta' }, delta('c')],
    },
    { between: 'any event', events: [delta('a'), event('usage', { content: 'b' }), delta('c')] },
  ])('$between keeps them apart, in order', ({ events }) => {
    const log = open()
    for (const each of events) log.push(each)
    expect(contents(log)).toMatchObject([{ content: 'a' }, { content: 'b' }, { content: 'c' }])
  })

  test('what is on its way to the store stays as it is', () => {
    const log = open()
    log.push(delta('sent '))
    const sent = log.nextAppend({ maxEvents: 500, maxBytes: 1e6 })
    log.push(delta('later '))
    log.push(delta('and later'))
    expect(log.nextAppend({ maxEvents: 500, maxBytes: 1e6 })).toBe(sent)
    log.settle('written')
    expect(contents(log)).toEqual([{ messageId: 'm', content: 'later and later' }])
  })

  test('text is joined up to a length and no further', () => {
    const log = open()
    for (let i = 0; i < 30; i += 1) log.push(delta('x'.repeat(1_000)))
    const lengths = contents(log).map((payload) => (payload as { content: string }).content.length)
    expect(Math.max(...lengths)).toBeLessThanOrEqual(8_192)
    expect(lengths.reduce((sum, length) => sum + length, 0)).toBe(30_000)
    expect(lengths.length).toBeLessThan(10)
  })

  test("an agent's own event is not joined, whatever its payload", () => {
    const log = open()
    log.push(event('my.delta', { messageId: 'm', content: 'a' }))
    log.push(event('my.delta', { messageId: 'm', content: 'b' }))
    expect(contents(log)).toHaveLength(2)
  })
})

describe('what was emitted', () => {
  test('stays as it was then, whatever the agent does to the object afterwards', () => {
    const log = open()
    const state = { step: 1 }
    log.push(event('state.checkpoint', { state }))
    state.step = 2
    const text = { messageId: 'm', content: 'a' }
    log.push(event('assistant.delta', text))
    text.content = 'changed'
    log.push(delta('b'))
    expect(contents(log)).toEqual([{ state: { step: 1 } }, { messageId: 'm', content: 'ab' }])
  })

  test('is refused at once when it is not JSON, and what came before is not lost', () => {
    const log = open()
    log.push(event('a', 1))
    expect(() => log.push(event('b', { big: 1n } as never))).toThrow(/BigInt/)
    const circle: Record<string, unknown> = {}
    circle['self'] = circle
    expect(() => log.push(event('c', circle as never))).toThrow(/circular/)
    expect(contents(log)).toEqual([1])
  })
})

test('a delta whose text is none is an event like any other', () => {
  const log = open()
  const bytes = log.push(delta(7 as never)) + log.push(delta('a'))
  expect(bytes).toBeGreaterThan(0)
  expect(contents(log)).toMatchObject([{ content: 7 }, { content: 'a' }])
})

describe('appends', () => {
  test('carry consecutive numbers from the last written one on', () => {
    const log = open(41)
    for (let i = 0; i < 5; i += 1) log.push(event('a', i))
    expect(log.nextAppend({ maxEvents: 3, maxBytes: 1e6 })).toMatchObject({
      baseSeq: 41,
      events: [{ seq: 42 }, { seq: 43 }, { seq: 44 }],
    })
    log.settle('written')
    expect(log.nextAppend({ maxEvents: 3, maxBytes: 1e6 })).toMatchObject({
      baseSeq: 44,
      events: [{ seq: 45 }, { seq: 46 }],
    })
  })

  test('end the run only with the last of its events', () => {
    const log = open()
    for (let i = 0; i < 3; i += 1) log.push(event('a', i))
    void log.end(ending(), SUCCESS)
    expect(log.nextAppend({ maxEvents: 3, maxBytes: 1e6 }).ending).toBeUndefined()
    log.settle('written')
    expect(log.nextAppend({ maxEvents: 3, maxBytes: 1e6 })).toMatchObject({
      ending: SUCCESS,
      events: [{ type: 'run.succeeded', seq: 5 }],
    })
  })
})

describe('an end', () => {
  test('is taken once: nothing follows it', () => {
    const log = open()
    void log.end(ending(), SUCCESS)
    expect(log.isOpen).toBe(false)
  })

  test('that came after a cancel is taken back, with nothing else', async () => {
    const log = open()
    log.push(event('a', 1))
    const outcome = log.end(ending(), SUCCESS)
    log.nextAppend({ maxEvents: 500, maxBytes: 1e6 })
    log.settle('cancel-requested')
    expect(await outcome).toBe('cancel-requested')
    void log.end(event('run.cancelled', {}), { ...SUCCESS, status: 'cancelled' })
    expect(log.nextAppend({ maxEvents: 500, maxBytes: 1e6 })).toMatchObject({
      baseSeq: 1,
      events: [
        { seq: 2, type: 'a' },
        { seq: 3, type: 'run.cancelled' },
      ],
      ending: { status: 'cancelled' },
    })
  })

  test('of a run that was lost is told so, before and after', async () => {
    const before = open()
    const outcome = before.end(ending(), SUCCESS)
    before.nextAppend({ maxEvents: 500, maxBytes: 1e6 })
    before.settle('fenced')
    expect(await outcome).toBe('fenced')
    const after = open()
    after.push(event('a', 1))
    after.nextAppend({ maxEvents: 500, maxBytes: 1e6 })
    after.settle('fenced')
    expect(await after.end(ending(), SUCCESS)).toBe('fenced')
    expect(after.hasPending).toBe(false)
  })
})

test('every byte that came in goes out again', () => {
  for (const outcome of ['written', 'fenced'] as const) {
    const log = open()
    let buffered = 0
    const kinds = [delta('ab'), delta('cd'), event('x', { a: [1, 2] }), delta('e'), delta('f')]
    for (const each of kinds) buffered += log.push(each)
    log.nextAppend({ maxEvents: 2, maxBytes: 1e6 })
    buffered += log.push(delta('while in flight'))
    buffered -= log.settle(outcome)
    while (log.hasPending) {
      log.nextAppend({ maxEvents: 2, maxBytes: 1e6 })
      buffered -= log.settle(outcome)
    }
    expect(buffered).toBe(0)
  }
})
