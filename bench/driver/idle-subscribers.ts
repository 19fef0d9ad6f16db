import type { MeasureOptions } from '../workload.ts'
import { connect } from './connect.ts'
import { drainStreams, openStreams } from './open-streams.ts'
import type { Memory } from './server-child.ts'
import type { Target } from './target.ts'

/**
 * Subscribers that connect before the first look: by then the code is compiled, and what a run's readers
 * share exists.
 */
const FIRST = 100
const MORE = 1_000

/** @returns bytes per subscriber of a run in which nothing happens */
export async function measureIdleSubscribers(
  target: Target,
  { transport, signal }: Pick<MeasureOptions, 'transport' | 'signal'>,
): Promise<Memory> {
  // Uses a new process: one that has served before never gives memory back, so it would not ask for more.
  await using api = await target.startApi()
  using client = connect(api.url, { transport, signal })
  const runId = await client.create({ type: 'assistant.delta', atOnce: 1, perSecond: 0 })
  const subscribe = (count: number) =>
    openStreams(
      client,
      Array.from({ length: count }, () => runId),
      () => {},
    )
  try {
    const first = await subscribe(FIRST)
    const before = await api.readMemory()
    const more = await subscribe(MORE)
    const after = await api.readMemory()
    await target.endStreams()
    await drainStreams([...first, ...more])
    return { rss: (after.rss - before.rss) / MORE, heap: (after.heap - before.heap) / MORE }
  } finally {
    await target.endStreams()
  }
}
