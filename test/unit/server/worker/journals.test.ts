import { describe, expect, test } from 'vitest'
import { JOURNAL } from '../../../../server/agent/journal.ts'
import { NonRetriableError } from '../../../../server/agent/non-retriable-error.ts'
import type { CompletedStep } from '../../../../server/ports/attempt.ts'
import { RunInterruption } from '../../../../server/worker/interruption.ts'
import { createJournals } from '../../../../server/worker/journals.ts'
import { ManualClock } from '../../../support/manual-clock.ts'

function createScene(outcome: 'written' | 'fenced' = 'written') {
  const rows = new Map<string, CompletedStep>()
  const kept: string[] = []
  /** What an attempt opens journals with. */
  const begin = () =>
    createJournals(
      {
        clock: new ManualClock(),
        store: {
          readSteps: async () => [...rows.values()],
          saveStep: async (_, step) => {
            if (outcome === 'written') rows.set(`${step.name}/${step.occurrence}`, step)
            return outcome === 'written' ? { sent: 0 } : outcome
          },
          renewLeases: async () => [],
        },
      },
      {
        run: { id: 'run', attempt: 2 },
        signal: new AbortController().signal,
        messages: { keep: (ids) => void kept.push(...ids) },
      },
    )
  return { begin, open: begin(), rows, kept }
}

describe('a journal', () => {
  test('has what was written, by place, and not what others keep', async () => {
    const { begin, open, kept } = createScene()
    const one = open('one')
    await one.write({ place: 2, value: { b: 1 } }, ['message'])
    await one.write({ place: 1, value: 'first' })
    await one.write({ place: 1, value: 'again' })
    await open('other').write({ place: 1, value: 'other' })
    expect(kept).toEqual(['message'])
    // Like a later attempt gets it.
    expect(await begin()('one').read()).toEqual([
      { place: 1, value: 'again' },
      { place: 2, value: { b: 1 } },
    ])
  })

  test('that is opened again in one attempt is another one, in later attempts the same', async () => {
    const { begin, open } = createScene()
    for (const value of ['first', 'second']) await open('one').write({ place: 1, value })
    const later = begin()
    expect([await later('one').read(), await later('one').read()]).toEqual([
      [{ place: 1, value: 'first' }],
      [{ place: 1, value: 'second' }],
    ])
  })

  test('is written by the attempt alone that has the run', async () => {
    const { open, kept } = createScene('fenced')
    await expect(open('one').write({ place: 1, value: 1 }, ['message'])).rejects.toThrow(RunInterruption)
    expect(kept).toEqual([])
  })

  test('keeps no more than its bound, of which an entry that is replaced counts once', async () => {
    const { open, rows } = createScene()
    const journal = open('one')
    const half = 'x'.repeat(33 * 1024 * 1024)
    for (let times = 0; times < 3; times += 1) await journal.write({ place: 1, value: half })
    await expect(journal.write({ place: 2, value: half })).rejects.toThrow(NonRetriableError)
    expect([...rows.keys()]).toEqual([`one${JOURNAL}/1`])
  })

  test('takes no value that is no JSON', async () => {
    const journal = createScene().open('one')
    await expect(journal.write({ place: 1, value: new Map() })).rejects.toThrow(NonRetriableError)
  })
})
