import { connect } from '../driver/connect.ts'
import { median } from '../driver/statistics.ts'
import { nowMicros, readStamps } from '../stamp.ts'
import type { Workload } from '../workload.ts'

const RUNS = 4
const DELTAS = 5_000
const REPETITIONS = 10

/** Models that are faster than the storage of their answers. */
export const flood: Workload = {
  key: 'w3max',
  title: `${RUNS} runs of ${DELTAS.toLocaleString('en')} deltas as fast as they go, a subscriber each`,
  transports: ['rest', 'trpc'],
  metrics: [{ key: 'deltasPerSecond', label: 'deltas delivered', unit: '/s', better: 'higher' }],

  async measure(target, { transport, signal }) {
    using client = connect(target.url, { transport, signal })

    async function floodOnce(): Promise<number> {
      let received = 0
      let firstEmittedAt = Infinity
      let lastReceivedAt = 0
      const count = (emittedAt: number): void => {
        received += 1
        firstEmittedAt = Math.min(firstEmittedAt, emittedAt)
      }
      async function run(): Promise<void> {
        const runId = await client.create({ type: 'assistant.delta', atOnce: DELTAS })
        const onEvent = ({ data }: { data: string }): void => {
          readStamps(data, count)
          lastReceivedAt = nowMicros()
        }
        await client.follow({ runId, onEvent }).ended
      }
      await Promise.all(Array.from({ length: RUNS }, run))
      // Each delta must be there, even if many were joined in one event.
      if (received !== RUNS * DELTAS) throw new Error(`${received} of ${RUNS * DELTAS} deltas were received.`)
      return (received * 1e6) / (lastReceivedAt - firstEmittedAt)
    }

    const rates: number[] = []
    for (let repetition = 0; repetition < REPETITIONS; repetition++) rates.push(await floodOnce())
    return { deltasPerSecond: median(rates) }
  },
}
