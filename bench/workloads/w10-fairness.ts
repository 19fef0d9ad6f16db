import { setTimeout as sleep } from 'node:timers/promises'
import { openConnections } from '../driver/connections.ts'
import { OTHER_TOKEN, TOKEN } from '../driver/identity.ts'
import { createRestClient } from '../driver/rest-client.ts'
import type { RunClient } from '../driver/run-client.ts'
import { percentile } from '../driver/statistics.ts'
import { timeNoopRun } from '../driver/time-run.ts'
import type { Workload } from '../workload.ts'

const QUEUED = 10_000
const CLIENTS = 64
const RUNS_ALONE = 50
/** The approximate time between runs of the other tenant. */
const PAUSE_MS = 50

async function createQueued(client: RunClient): Promise<string> {
  let left = QUEUED
  let last = ''
  async function loop(): Promise<void> {
    while (left > 0) {
      left -= 1
      last = await client.create()
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, loop))
  return last
}

/**
 * One tenant has thousands of queued runs; another one creates a run now and then. The floor knows no
 * tenants.
 */
export const fairness: Workload = {
  key: 'w10',
  title: `One tenant's single runs beside ${QUEUED.toLocaleString('en')} queued of another`,
  transports: ['rest'],
  system: 'system-limited',
  metrics: [
    { key: 'aloneP50', label: 'alone: create → completion seen, p50', unit: 'ms', better: 'lower' },
    { key: 'aloneP99', label: 'alone: p99', unit: 'ms', better: 'lower' },
    { key: 'besideP50', label: 'beside them: create → completion seen, p50', unit: 'ms', better: 'lower' },
    { key: 'besideP99', label: 'beside them: p99', unit: 'ms', better: 'lower' },
    { key: 'besideMost', label: 'beside them: the longest', unit: 'ms', better: 'lower' },
    { key: 'besideRuns', label: 'beside them: runs', unit: '' },
    { key: 'queuedPerSecond', label: 'of the queued completed meanwhile', unit: '/s', better: 'higher' },
  ],

  async measure(target, { signal }) {
    using many = createRestClient(openConnections(target.url, signal, TOKEN))
    using one = createRestClient(openConnections(target.url, signal, OTHER_TOKEN))
    const alone: number[] = []
    for (let run = 0; run < RUNS_ALONE; run++) alone.push((await timeNoopRun(one)).completedMs)

    const paused = target.pauseWorker()
    let last: string
    try {
      last = await createQueued(many)
    } finally {
      paused[Symbol.dispose]()
    }
    const startedAt = performance.now()
    const over = new AbortController()
    const ended = many.follow({ runId: last, onEvent: () => {} }).ended.finally(() => over.abort())
    const beside: number[] = []
    do {
      beside.push((await timeNoopRun(one)).completedMs)
      await sleep(PAUSE_MS, undefined, { signal })
    } while (!over.signal.aborted)
    await ended
    const seconds = (performance.now() - startedAt) / 1000
    return {
      aloneP50: percentile(alone, 50),
      aloneP99: percentile(alone, 99),
      besideP50: percentile(beside, 50),
      besideP99: percentile(beside, 99),
      besideMost: Math.max(...beside),
      besideRuns: beside.length,
      queuedPerSecond: QUEUED / seconds,
    }
  },
}
