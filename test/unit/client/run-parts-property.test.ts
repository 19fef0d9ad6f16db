import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { RunState } from '../../../client/run-state.ts'
import { initialRunState, reduceRun } from '../../../client/run-state.ts'
import type { AnyRunEvent } from '../../../server/contract/event.ts'
import { readState } from './read-state.ts'
import { compacted, toldRun } from './told-runs.ts'

const read = (events: readonly AnyRunEvent[], from = initialRunState()) => events.reduce(reduceRun, from)

/** All but the list of events itself, which compaction makes shorter. */
function shown(state: RunState) {
  const { events: _events, lastSeq: _lastSeq, ...rest } = readState(state)
  return rest
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
        // There may be no message with a wait yet.
        expect(state.waits).toEqual(expect.arrayContaining(waits))
      }
    }),
    { numRuns: 300 },
  )
})

test('every state stays what it was, whichever is read or gone on from later', () => {
  fc.assert(
    fc.property(toldRun, fc.nat(60), fc.boolean(), (events, fork, isReadMeanwhile) => {
      const states = [initialRunState()]
      const seen = [readState(states[0]!)]
      for (const event of events) {
        const next = reduceRun(states.at(-1)!, event)
        states.push(next)
        seen.push(isReadMeanwhile ? readState(next) : readState(read(events.slice(0, states.length - 1))))
      }
      // Another way from the midst of it.
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
