import type { Metrics } from '../../ports/metrics.ts'
import type { RunStore } from '../../ports/store/run-store.ts'
import { NAME } from '../names.ts'
import { GAUGES } from './instruments.ts'

interface Process {
  /** Streams that are open. */
  hub: { readonly size: number }
  conversationHub: { readonly size: number }
  pool: { readonly totalCount: number; readonly idleCount: number; readonly waitingCount: number }
  store: Pick<RunStore, 'countOpenRuns'>
}

/** Has the state of this process read whenever metrics are collected. */
export function observeProcess(metrics: Metrics, { hub, conversationHub, pool, store }: Process): () => void {
  const ends = [
    metrics.observe(GAUGES.subscribers, () => [
      { value: hub.size, labels: { kind: 'run' } },
      { value: conversationHub.size, labels: { kind: 'conversation' } },
    ]),
    metrics.observe(GAUGES.connections, () => [
      { value: pool.idleCount, labels: { state: 'idle' } },
      { value: pool.totalCount - pool.idleCount, labels: { state: 'busy' } },
    ]),
    metrics.observe(GAUGES.connectionWaits, () => [{ value: pool.waitingCount, labels: {} }]),
    metrics.observe(GAUGES.openRuns, async () => {
      const counts = await store.countOpenRuns()
      return counts.map(({ agentKey, status, runs }) => ({
        value: runs,
        labels: { [NAME.agent]: agentKey, [NAME.runStatus]: status },
      }))
    }),
  ]
  return () => {
    for (const end of ends) end()
  }
}
