import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { RunState } from '../../../client/run-state.ts'
import { initialRunState, reduceRun } from '../../../client/run-state.ts'
import type { AnyRunEvent } from '../../../server/contract/event.ts'
import { compacted, toldRun } from './told-runs.ts'

const read = (events: readonly AnyRunEvent[], from = initialRunState()) => events.reduce(reduceRun, from)

/** All but the list of events itself, which compaction makes shorter. */
function shown({ events: _events, lastSeq: _lastSeq, ...state }: RunState) {
  return state
}

test('a run that is read in pieces, with events twice, is what one uninterrupted read makes of it', () => {
  fc.assert(
    fc.property(
      toldRun,
      fc.array(fc.record({ cut: fc.nat(60), overlap: fc.nat(60) }), { maxLength: 4 }),
      (events, cuts) => {
        const once = read(events)
        let state = initialRunState()
        for (const { cut, overlap } of cuts) {
          // A stream that is opened anew may begin before what was seen, and end anywhere.
          const from = Math.max(0, state.lastSeq - overlap)
          state = read(events.slice(from, Math.max(from, cut)), state)
        }
        state = read(events.slice(state.lastSeq), state)
        expect(state.events.toArray()).toEqual(events)
        expect(shown(state)).toEqual(shown(once))
        expect(state.lastSeq).toBe(once.lastSeq)
      },
    ),
    { numRuns: 1_000 },
  )
})

test('a run that was compacted at whatever event its reader had come to is the same', () => {
  fc.assert(
    fc.property(toldRun, (events) => {
      const once = shown(read(events))
      const left = compacted(events)
      for (let seen = 0; seen <= events.length; seen += 1) {
        const rest = left.filter(({ seq }) => seq > seen)
        expect(shown(read([...events.slice(0, seen), ...rest])), `from ${seen}`).toEqual(once)
      }
    }),
    { numRuns: 500 },
  )
})

test('what is told twice differs in nothing: the text, the calls being written and the waits are those of the parts', () => {
  fc.assert(
    fc.property(toldRun, (events) => {
      let state = initialRunState()
      for (const event of events) {
        state = reduceRun(state, event)
        const parts = state.messages.flatMap((message) => message.parts)
        for (const { role, content, parts: own } of state.messages) {
          const text = own.map((part) => (part.type === 'text' ? part.text : '')).join('')
          expect(role === undefined ? content : text).toBe(text)
        }
        expect(state.toolInputs.map(({ text }) => text)).toEqual(
          parts.flatMap((part) => (part.type === 'tool' && part.state === 'input' ? [part.inputText] : [])),
        )
        const waits = parts.flatMap((part) =>
          part.type === 'wait' || (part.type === 'tool' && part.state === 'waiting') ? [part.wait] : [],
        )
        // There may be no message yet that has a wait.
        expect(state.waits).toEqual(expect.arrayContaining(waits))
      }
    }),
    { numRuns: 300 },
  )
})
