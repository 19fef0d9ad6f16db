import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { RunState } from '../../../client/run-state.ts'
import { initialRunState, reduceRun } from '../../../client/run-state.ts'
import type { AnyRunEvent } from '../../../server/contract/event.ts'
import { readState } from './read-state.ts'
import { compacted, toldRun } from './told-runs.ts'

const read = (events: readonly AnyRunEvent[], from = initialRunState()) => events.reduce(reduceRun, from)

/** Everything except the list of events, which compaction makes shorter. */
function shown(state: RunState) {
  const { events: _events, lastSeq: _lastSeq, ...rest } = readState(state)
  return rest
}

test('reading a run in pieces, with repeated events, gives the same state as one uninterrupted read', () => {
  fc.assert(
    fc.property(
      toldRun,
      fc.array(fc.record({ cut: fc.nat(60), overlap: fc.nat(60) }), { maxLength: 4 }),
      (events, cuts) => {
        const once = read(events)
        let state = initialRunState()
        for (const { cut, overlap } of cuts) {
          // A reopened stream may begin before the last event, and end anywhere.
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

test('compacting a run gives the same state, whichever events its reader has seen before', () => {
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

test('the text, the tool inputs and the waits always equal those of the parts', () => {
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
        // There may be no message with a wait yet.
        expect(state.waits).toEqual(expect.arrayContaining(waits))
      }
    }),
    { numRuns: 300 },
  )
})

test('no state ever changes, whichever state is read or continued later', () => {
  fc.assert(
    fc.property(toldRun, fc.nat(60), fc.boolean(), (events, fork, isReadMeanwhile) => {
      const states = [initialRunState()]
      const seen = [readState(states[0]!)]
      for (const event of events) {
        const next = reduceRun(states.at(-1)!, event)
        states.push(next)
        seen.push(isReadMeanwhile ? readState(next) : readState(read(events.slice(0, states.length - 1))))
      }
      // Continue differently from a state in the middle.
      const from = states[Math.min(fork, events.length)]!
      const other = events.slice(from.lastSeq).filter((_, index) => index % 2 === 0)
      const forked = readState(read(other, from))
      for (const [index, state] of states.entries()) {
        const before = readState(state)
        expect(before).toEqual(seen[index])
        expect(before.messages).toBe(state.messages)
        if (isReadMeanwhile) expect(before.messages).toBe(seen[index]!.messages)
      }
      expect(forked).toEqual(readState(read(other, read(events.slice(0, from.lastSeq)))))
    }),
    { numRuns: 300 },
  )
})
