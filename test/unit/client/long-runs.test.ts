// A reader's work for a run must grow only as fast as the run.
import { describe, expect, it } from 'vitest'
import { LONG_RUNS } from '../../../bench/reducer/long-runs.ts'
import { listOfRuns, reduceConversation } from '../../../client/live-conversation.ts'
import { initialRunState, reduceRun } from '../../../client/run-state.ts'
import type { AnyRunEvent } from '../../../server/contract/event.ts'
import { countItems } from './counted-work.ts'
import { delta } from './fake-transport.ts'

const FEW = 100
const MANY = 1_000

function workFor(events: readonly AnyRunEvent[]): number {
  return countItems(() => {
    let state = initialRunState()
    for (let at = 0; at < events.length; at += 1) state = reduceRun(state, events[at]!)
    // A view reads the state like this.
    void [state.text, state.messages, state.toolInputs, state.children]
  })
}

/** So many runs of one conversation. Each says something and then waits for the others. */
function workForRuns(count: number): number {
  const events = Array.from({ length: 3 * count }, (_, index) =>
    delta(index + 1, 'x', { messageId: 'm' }),
  ).map((event, index) => ({ ...event, runId: `run ${index % count}`, cursor: String(index) }))
  return countItems(() => {
    let runs = listOfRuns([])
    for (let at = 0; at < events.length; at += 1) [runs] = reduceConversation(runs, events[at]!, at)
    void runs.toArray()
  })
}

describe('a run that is ten times as long', () => {
  it.each(Object.keys(LONG_RUNS))('takes about ten times the work: %s', (name) => {
    const tell = LONG_RUNS[name]!
    const few = workFor(tell(FEW))
    const many = workFor(tell(MANY))
    expect(many).toBeLessThan(12 * few + MANY)
  })

  it('takes about ten times the work: runs of one conversation', () => {
    expect(workForRuns(MANY)).toBeLessThan(12 * workForRuns(FEW) + MANY)
  })
})
