import type { RunStatus } from '../../contract/run.ts'
import { isTerminal } from '../../contract/terminal.ts'
import type { ClaimedRun, RunAppend } from '../../ports/attempt.ts'
import type { Metrics } from '../../ports/metrics.ts'
import type { Store } from '../../ports/store/store.ts'
import { NAME } from '../names.ts'
import { COUNTERS, HISTOGRAMS } from './instruments.ts'

type Measured = Pick<
  Store,
  'createRuns' | 'claimRuns' | 'append' | 'recoverRuns' | 'expireRuns' | 'requestCancel' | 'tellFamilies'
>

interface Ended {
  agentKey: string
  status: RunStatus
}

/** The same store, of which it is measured what becomes of runs, and what writing events takes. */
export function measuredStore(store: Store, metrics: Metrics): Store {
  const awaited = createAwaited(metrics)

  function countEnded(runs: readonly Ended[]): void {
    for (const { agentKey, status } of runs) {
      if (!isTerminal(status)) continue
      metrics.add(COUNTERS.runsEnded, 1, { [NAME.agent]: agentKey, [NAME.runStatus]: status })
    }
  }

  const measured: Measured = {
    async createRuns(...asked) {
      const answers = await store.createRuns(...asked)
      for (const answer of answers) {
        if (answer.kind !== 'created') continue
        metrics.add(COUNTERS.runsCreated, 1, { [NAME.agent]: answer.run.agentKey })
        countEnded(answer.interrupted)
      }
      return answers
    },

    async claimRuns(...asked) {
      const answer = await store.claimRuns(...asked)
      for (const run of answer.claimed) {
        awaited.claimed(run)
        if (run.waitedMs === null) continue
        metrics.record(HISTOGRAMS.queueWait, run.waitedMs / 1000, { [NAME.agent]: run.agentKey })
      }
      countEnded(answer.refused)
      return answer
    },

    async tellFamilies(...asked) {
      const told = await store.tellFamilies(...asked)
      countEnded(told.changed)
      return told
    },

    async append(batch) {
      const startedAt = performance.now()
      const answer = await store.append(batch)
      const events = batch.reduce((sum, run) => sum + run.events.length, 0)
      metrics.record(HISTOGRAMS.flush, (performance.now() - startedAt) / 1000, {})
      metrics.record(HISTOGRAMS.flushSize, events, {})
      metrics.add(COUNTERS.eventsWritten, events, {})
      for (const run of batch) awaited.appended(run)
      return answer
    },

    async recoverRuns(...asked) {
      const recovered = await store.recoverRuns(...asked)
      if (recovered.length > 0) metrics.add(COUNTERS.runsRecovered, recovered.length, {})
      countEnded(recovered)
      return recovered
    },

    async expireRuns() {
      const expired = await store.expireRuns()
      countEnded(expired)
      return expired
    },

    async requestCancel(...asked) {
      const outcome = await store.requestCancel(...asked)
      if (outcome.kind === 'cancelled') countEnded([outcome.run])
      return outcome
    },
  }
  return { ...store, ...measured }
}

/** Of attempts that were lost the first event never comes. */
const MAX_AWAITED = 10_000

/** The attempts that have written no event yet, by their run. */
function createAwaited(metrics: Metrics) {
  const claimed = new Map<string, { attempt: number; agentKey: string; at: number }>()
  return {
    claimed({ id, attempt, agentKey }: ClaimedRun): void {
      if (claimed.size >= MAX_AWAITED) claimed.clear()
      claimed.set(id, { attempt, agentKey, at: performance.now() })
    },
    appended({ runId, attempt, events, ending }: RunAppend): void {
      const begun = claimed.get(runId)
      if (begun?.attempt !== attempt) return
      const hasSpoken = events.some(({ type }) => !type.startsWith('run.'))
      if (hasSpoken) {
        const seconds = (performance.now() - begun.at) / 1000
        metrics.record(HISTOGRAMS.firstEvent, seconds, { [NAME.agent]: begun.agentKey })
      }
      if (hasSpoken || ending !== undefined) claimed.delete(runId)
    },
  }
}
