import { isTerminal } from '../server/contract/terminal.ts'
import type { QueuedTurn } from '../server/contract/queued-turn.ts'
import type { LiveRun } from './live-conversation.ts'

/** The run of a conversation that has the turn: one that has begun, or else the next to begin. Null if none is under way. */
export function runInTurn(
  runs: ReadonlyMap<string, LiveRun>,
  queue: readonly Pick<QueuedTurn, 'runId'>[],
): string | null {
  const open = [...runs.values()].filter(({ state }) => !isTerminal(state.status))
  // A run that is tried again is queued for a worker, but keeps its turn.
  const begun = open.find(({ state }) => state.attempt > 0 || state.status !== 'queued')
  const waiting = new Set(queue.map(({ runId }) => runId))
  const next = begun ?? open.find(({ runId }) => !waiting.has(runId))
  return next?.runId ?? queue[0]?.runId ?? null
}
