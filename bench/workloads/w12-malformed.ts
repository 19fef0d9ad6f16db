import { setTimeout as sleep } from 'node:timers/promises'
import { openConnections } from '../driver/connections.ts'
import type { Connections } from '../driver/connections.ts'
import { createRestClient } from '../driver/rest-client.ts'
import { percentile } from '../driver/statistics.ts'
import { timeNoopRun } from '../driver/time-run.ts'
import type { Workload } from '../workload.ts'

const REQUESTS = 10_000
const CLIENTS = 16
const RUNS_ALONE = 50
/** Between the runs of the honest one, about. */
const PAUSE_MS = 20

const run = (more: object) => JSON.stringify({ agent_key: 'noop', messages: [], ...more })

/** Each is wrong in another way. */
const BODIES = [
  '',
  'none',
  '{"agent_key":',
  '[]',
  '{}',
  '[['.repeat(2_000),
  run({ agent_key: 'nobody' }),
  run({ agent_key: null }),
  run({ messages: 'Hello' }),
  run({ messages: [{ role: 'nobody', content: 'Hello' }] }),
  run({ messages: Array.from({ length: 1_001 }, () => ({ role: 'user', content: 'Hello' })) }),
  run({ conversation_id: '7' }),
  run({ conversation_id: '019aa000-0000-7000-8000-000000000001' }),
  run({ metadata: [] }),
  run({ priority: 1_000 }),
  run({ run_at: 'tomorrow' }),
  run({ idempotency_key: 'x'.repeat(201) }),
  run({ webhooks: [{ url: 'http://127.0.0.1/' }] }),
]

async function sendAll(connections: Connections, onAnswer: (status: number) => void): Promise<void> {
  let sent = 0
  async function loop(): Promise<void> {
    while (sent < REQUESTS) {
      const body = BODIES[sent % BODIES.length] ?? ''
      sent += 1
      onAnswer(await connections.postText('/api/agents/runs/', body))
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, loop))
}

/** Requests that are wrong cost whoever sends them, and nobody else. The floor takes them for right: what it has is the honest one alone. */
export const malformed: Workload = {
  key: 'w12',
  title: `An honest client beside ${REQUESTS.toLocaleString('en')} malformed requests`,
  transports: ['rest'],
  metrics: [
    { key: 'aloneP50', label: 'alone: create → completion seen, p50', unit: 'ms', better: 'lower' },
    { key: 'aloneP99', label: 'alone: p99', unit: 'ms', better: 'lower' },
    { key: 'besideP50', label: 'beside them: create → completion seen, p50', unit: 'ms', better: 'lower' },
    { key: 'besideP99', label: 'beside them: p99', unit: 'ms', better: 'lower' },
    { key: 'refused', label: 'refused with 4xx', unit: '%', better: 'higher' },
    { key: 'perSecond', label: 'refused', unit: '/s', better: 'higher' },
  ],

  async measure(target, { signal }) {
    using honest = createRestClient(openConnections(target.url, signal))
    const alone: number[] = []
    for (let count = 0; count < RUNS_ALONE; count++) alone.push((await timeNoopRun(honest)).completedMs)
    const figures = { aloneP50: percentile(alone, 50), aloneP99: percentile(alone, 99) }
    if (target.name === 'floor') {
      return {
        ...figures,
        besideP50: figures.aloneP50,
        besideP99: figures.aloneP99,
        refused: NaN,
        perSecond: NaN,
      }
    }

    using hostile = openConnections(target.url, signal)
    const startedAt = performance.now()
    let refused = 0
    const over = new AbortController()
    const sending = sendAll(hostile, (status) => {
      if (status >= 400 && status < 500) refused += 1
    }).finally(() => over.abort())
    const beside: number[] = []
    do {
      beside.push((await timeNoopRun(honest)).completedMs)
      await sleep(PAUSE_MS, undefined, { signal })
    } while (!over.signal.aborted)
    await sending
    const seconds = (performance.now() - startedAt) / 1000
    return {
      ...figures,
      besideP50: percentile(beside, 50),
      besideP99: percentile(beside, 99),
      refused: (refused * 100) / REQUESTS,
      perSecond: refused / seconds,
    }
  },
}
