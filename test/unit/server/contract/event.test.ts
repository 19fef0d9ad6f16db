import { describe, expect, test } from 'vitest'
import { Cursor } from '../../../../server/contract/event.ts'
import { RUNTIME_EVENTS } from '../../../../server/contract/runtime-events.ts'
import { RunStatus } from '../../../../server/contract/run.ts'
import { TERMINAL_STATUSES, isTerminal, isTerminalEvent } from '../../../../server/contract/terminal.ts'

describe('an event cursor', () => {
  test.each([
    ['0', 0],
    ['17', 17],
    [17, 17],
    ['2147483647', 2_147_483_647],
  ])('%s is %i', (text, seq) => {
    expect(Cursor.parse(text)).toBe(seq)
  })

  test.each(['-1', '1.5', 'abc', 'NaN', 'Infinity', '2147483648', {}, 'null'])('%s is none', (text) => {
    expect(Cursor.safeParse(text).success).toBe(false)
  })
})

describe('what ends a run', () => {
  test('each terminal status has its event, and both sides agree on what is terminal', () => {
    expect(RunStatus.options.filter(isTerminal)).toEqual([...TERMINAL_STATUSES])
    expect(Object.keys(RUNTIME_EVENTS).filter(isTerminalEvent)).toEqual(
      TERMINAL_STATUSES.map((status) => `run.${status}`),
    )
  })
})
