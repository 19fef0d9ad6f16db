import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { RUNTIME_EVENTS, Visibility } from '../../../../server/contract/event.ts'
import { createVisibilityOf, visibleTo } from '../../../../server/events/visibility.ts'

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
