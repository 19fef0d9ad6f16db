import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { EventBus } from '../ports/event-bus.ts'
import type { Queue } from '../ports/queue.ts'
import type { Store } from '../ports/store/store.ts'
import { answerInTime } from './answer-in-time.ts'

/** The state of a process that reaches its database. */
export interface Health {
  /** `polling`: the process notices others' changes seconds later, at its next poll. */
  bus: 'listening' | 'polling'
  /** `unreachable`: runs are still accepted, and begin when the queue is back. */
  queue: 'ok' | 'unreachable'
  /** How late timers are, in milliseconds: the 99th percentile since the last reading. 0 at the first reading. */
  eventLoopLagMs: number
}

/** The health as JSON for monitoring. */
export function describeHealth({ bus, queue, eventLoopLagMs }: Health) {
  return { database: 'ok', bus, queue, event_loop_lag_ms: eventLoopLagMs }
}

interface HealthPorts {
  store: Pick<Store, 'check'>
  bus: Pick<EventBus, 'isListening'>
  queue: Pick<Queue, 'findDue'>
}

const QUEUE_ANSWERS_WITHIN_MS = 1_000
/** Interval of the timer that measures the lag. */
const RESOLUTION_MS = 10

/** Reads the health of this process. @throws when the database cannot be reached, or its schema is missing. */
export function createReadHealth(
  { store, bus, queue }: HealthPorts,
  agentKeys: readonly string[],
): () => Promise<Health> {
  // Begin to measure at the first reading: it takes timers, and most processes are never asked.
  let delay: ReturnType<typeof monitorEventLoopDelay> | undefined

  function readLag(): number {
    if (delay === undefined) {
      delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
      delay.enable()
      return 0
    }
    const lateMs = delay.percentile(99) / 1e6 - RESOLUTION_MS
    delay.reset()
    return Math.max(0, Math.round(lateMs))
  }

  async function isQueueThere(): Promise<boolean> {
    try {
      const late = () => new Error('The queue does not answer.')
      await answerInTime(queue.findDue(agentKeys.slice(0, 1)), QUEUE_ANSWERS_WITHIN_MS, late)
      return true
    } catch {
      return false
    }
  }

  async function look(): Promise<Health> {
    await store.check()
    return {
      bus: bus.isListening ? 'listening' : 'polling',
      queue: (await isQueueThere()) ? 'ok' : 'unreachable',
      eventLoopLagMs: readLag(),
    }
  }

  // Anybody may ask at any rate, so requests during a look share its result.
  let looking: Promise<Health> | undefined
  return () => {
    looking ??= look().finally(() => (looking = undefined))
    return looking
  }
}
