import { setTimeout as sleep } from 'node:timers/promises'
import { openConnections } from '../driver/connections.ts'
import { createRestClient } from '../driver/rest-client.ts'
import { REQUESTS, sendMalformed } from '../driver/send-malformed.ts'
import { startServerChild } from '../driver/server-child.ts'
import { percentile } from '../driver/statistics.ts'
import { timeNoopRun } from '../driver/time-run.ts'
import type { Workload } from '../workload.ts'

const RUNS_ALONE = 50
/** The approximate time between runs of the honest caller. */
const PAUSE_MS = 20

/** A server that refuses all requests, and does nothing else. */
async function startBareServer() {
  const file = new URL('../floor/refuse.ts', import.meta.url)
  const child = await startServerChild(file, { name: 'floor-refuse', databaseUrl: '', profileDir: undefined })
  return { url: `http://127.0.0.1:${child.port}`, [Symbol.asyncDispose]: () => child.stop() }
}

/**
 * Malformed requests must cost only their sender. The floor would accept them, so there a bare server refuses
 * as many: that shows what they take of the machine in any case.
 */
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
    { key: 'perSecond', label: 'refused, of one caller as fast as it is answered', unit: '/s' },
  ],

  async measure(target, { signal }) {
    using honest = createRestClient(openConnections(target.url, signal))
    const alone: number[] = []
    for (let count = 0; count < RUNS_ALONE; count++) alone.push((await timeNoopRun(honest)).completedMs)

    await using bare = target.name === 'floor' ? await startBareServer() : undefined
    const over = new AbortController()
    const sending = sendMalformed(bare?.url ?? target.url, signal).finally(() => over.abort())
    const beside: number[] = []
    do {
      beside.push((await timeNoopRun(honest)).completedMs)
      await sleep(PAUSE_MS, undefined, { signal })
    } while (!over.signal.aborted)
    const { refused, ms } = await sending
    return {
      aloneP50: percentile(alone, 50),
      aloneP99: percentile(alone, 99),
      besideP50: percentile(beside, 50),
      besideP99: percentile(beside, 99),
      refused: (refused * 100) / REQUESTS,
      perSecond: (refused * 1000) / ms,
    }
  },
}
