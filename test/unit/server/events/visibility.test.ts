import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { RUNTIME_EVENTS } from '../../../../server/contract/runtime-events.ts'
import { Visibility } from '../../../../server/contract/visibility.ts'
import type { AnyRunEvent } from '../../../../server/contract/event.ts'
import { createVisibilityOf, shownTo, visibleTo } from '../../../../server/events/visibility.ts'

const schema = z.unknown()

describe('the visibility of a type', () => {
  test("is the runtime's own declaration, whatever an agent says", () => {
    const visibilityOf = createVisibilityOf({})
    for (const [type, { visibility }] of Object.entries(RUNTIME_EVENTS)) {
      expect(visibilityOf(type)).toBe(visibility)
      expect(visibilityOf(type, { [type]: { schema, visibility: 'user' } })).toBe(visibility)
    }
  })

  test("is the agent's for its own types, user when it says nothing", () => {
    const events = { quiet: { schema, visibility: 'internal' }, plain: { schema } } as const
    expect(createVisibilityOf({})('quiet', events)).toBe('internal')
    expect(createVisibilityOf({})('plain', events)).toBe('user')
  })

  test('is what the configuration says before either', () => {
    const visibilityOf = createVisibilityOf({ 'run.failed': 'internal', quiet: 'debug' })
    expect(visibilityOf('run.failed')).toBe('internal')
    expect(visibilityOf('quiet', { quiet: { schema, visibility: 'internal' } })).toBe('debug')
  })

  test('is always one of the three, whatever a type is called', () => {
    const name = fc.oneof(fc.string(), fc.constantFrom(...Object.getOwnPropertyNames(Object.prototype)))
    fc.assert(
      fc.property(name, (type) => {
        expect(Visibility.options).toContain(createVisibilityOf({})(type, {}))
      }),
    )
  })
})

describe('what a reader sees', () => {
  test.each([
    { includeDebug: false, includeAll: false, debugMode: false, sees: ['user'] },
    { includeDebug: true, includeAll: false, debugMode: false, sees: ['debug', 'user'] },
    { includeDebug: false, includeAll: true, debugMode: false, sees: ['debug', 'internal', 'user'] },
    { includeDebug: true, includeAll: true, debugMode: false, sees: ['debug', 'internal', 'user'] },
    { includeDebug: false, includeAll: false, debugMode: true, sees: ['debug', 'user'] },
    { includeDebug: false, includeAll: true, debugMode: true, sees: ['debug', 'internal', 'user'] },
  ])('$includeDebug $includeAll $debugMode', ({ debugMode, sees, ...filter }) => {
    expect([...visibleTo(filter, debugMode)].toSorted()).toEqual(sees)
  })
})

describe('a batch as readers get it', () => {
  const event = (seq: number, type: string, visibility: Visibility): AnyRunEvent => ({
    runId: 'run',
    seq,
    attempt: 1,
    type,
    visibility,
    payload: { secret: seq },
    ts: '2026-01-01T00:00:00.000Z',
  })
  const batch = [event(1, 'run.started', 'internal'), event(2, 'a', 'user'), event(3, 'b', 'debug')]
  const user = visibleTo({ includeDebug: false, includeAll: false }, false)
  const all = visibleTo({ includeDebug: false, includeAll: true }, false)

  test('is the batch itself where all of it is for them', () => {
    expect(shownTo(batch, all)).toBe(batch)
  })

  test('is the same for all of the same visibility, so that it is encoded once', () => {
    const shown = shownTo(batch, user)
    expect(shown).toEqual([{ ...batch[0], payload: {} }, batch[1]])
    expect(shownTo(batch, user)).toBe(shown)
    // For a reader that is a little behind, they come in another batch, and are the same events.
    expect(shownTo(batch.slice(0, 2), user)[0]).toBe(shown[0])
  })
})
