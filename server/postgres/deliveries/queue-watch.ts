// Notices deliveries that queues outside of the database have lost. A new epoch shows that a queue lost everything.
// Fewer deliveries than runs that need one show that it lost a part: somebody deleted a key, Redis evicted one, or the
// database was restored to a time before these runs were taken.
import type pg from 'pg'
import type { Clock } from '../../ports/clock.ts'
import type { Logger } from '../../ports/logger.ts'
import { isolatedQueue } from '../../ports/queue.ts'
import type { QueueState, RemoteQueue } from '../../ports/queue.ts'
import { findDelivered, MAX_COUNTED } from './find-delivered.ts'
import { noteEpochs, readEpochs, RENEW } from './outbox-statements.ts'

const COUNT_EVERY_MS = 5_000

interface WatchPorts {
  pool: pg.Pool
  queue: Pick<RemoteQueue, 'inspect' | 'renew'>
  clock: Clock
  log: Logger
}

export interface QueueWatch {
  /** Looks at these queues, and puts lost deliveries into the outbox again. */
  look(queues: readonly string[]): Promise<void>
  /**
   * The last known epoch of each queue. A queue without a known epoch is asked now, and left out if it cannot be
   * reached.
   */
  epochsOf(queues: Iterable<string>): Promise<ReadonlyMap<string, string>>
}

export function createQueueWatch({ pool, queue, clock, log }: WatchPorts): QueueWatch {
  const epochs = new Map<string, string>()
  let away: readonly string[] = []
  let countedAt = Number.NEGATIVE_INFINITY
  /** For each queue, the runs that should have had a delivery at the last count. */
  let delivered = new Map<string, ReadonlySet<string>>()

  async function inspect(queues: readonly string[]): Promise<Map<string, QueueState>> {
    const states = new Map(await queue.inspect(queues))
    const noted = await readEpochs(pool, queues)
    const asked = [...states.keys()].filter((name) => noted.get(name) === RENEW)
    if (asked.length > 0) {
      await queue.renew(asked)
      for (const [name, state] of await queue.inspect(asked)) states.set(name, state)
    }
    const said = new Map([...states].map(([name, { epoch }]) => [name, epoch]))
    const { lost, runs } = await noteEpochs(pool, said, noted)
    for (const [name, epoch] of said) epochs.set(name, epoch)
    if (lost.length > 0 && runs > 0)
      log.warn({ queues: lost, runs }, 'a queue may have lost its deliveries: its runs are delivered again')
    return states
  }

  /**
   * Compares the queue's number of deliveries with two counts of runs, before and after it was read. A run that needed
   * a delivery at both counts, and had no entry in the outbox, must have had one in the queue in between. If there are
   * fewer deliveries than such runs, the queue has lost some.
   */
  async function count(states: ReadonlyMap<string, QueueState>): Promise<void> {
    const expected = new Map<string, number>()
    for (const [name, { deliveries }] of states) {
      const isolated = states.get(isolatedQueue(name))
      if (isolated === undefined) continue
      const all = deliveries + isolated.deliveries
      if (all < MAX_COUNTED) expected.set(name, all)
    }
    const before = delivered
    delivered = await findDelivered(pool, [...expected.keys()])
    const lacking = [...delivered].filter(([agentKey, runs]) => {
      const lasting = [...runs].filter((run) => before.get(agentKey)?.has(run))
      return lasting.length > (expected.get(agentKey) ?? 0)
    })
    if (lacking.length === 0) return
    const agentKeys = lacking.map(([agentKey]) => agentKey)
    log.warn({ queues: agentKeys }, 'a queue has fewer deliveries than runs that wait in it')
    await queue.renew(agentKeys.flatMap((agentKey) => [agentKey, isolatedQueue(agentKey)]))
    delivered.clear()
  }

  function tellOfAway(queues: readonly string[], states: ReadonlyMap<string, QueueState>): void {
    const found = queues.filter((name) => !states.has(name))
    if (found.length > 0 && away.length === 0)
      log.warn(
        { queues: found },
        'some queues cannot be reached: their runs are delivered when they are back',
      )
    if (found.length === 0 && away.length > 0) log.info({ queues: away }, 'all queues can be reached again')
    away = found
  }

  return {
    async look(queues) {
      if (queues.length === 0) return
      const isCountDue = clock.now() - countedAt >= COUNT_EVERY_MS
      const states = await inspect(queues)
      tellOfAway(queues, states)
      if (!isCountDue) return
      countedAt = clock.now()
      await count(states)
    },

    async epochsOf(queues) {
      const names = [...queues]
      const unknown = names.filter((name) => !epochs.has(name))
      if (unknown.length > 0)
        for (const [name, { epoch }] of await queue.inspect(unknown)) epochs.set(name, epoch)
      return epochs
    },
  }
}
