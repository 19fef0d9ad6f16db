import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { EventBus } from '../ports/event-bus.ts'
import type { Queue } from '../ports/queue.ts'
import type { Store } from '../ports/store/store.ts'
import { answerInTime } from './answer-in-time.ts'

/** How a process is that reaches its database. */
export interface Health {
  /** `polling`: what other processes do is found seconds later, at the next look. */
  bus: 'listening' | 'polling'
  /** `unreachable`: runs are taken, and begin when the queue is back. */
  queue: 'ok' | 'unreachable'
  /** How late timers are, in milliseconds: the 99th percentile since it was asked last. 0 when it is asked first. */
  eventLoopLagMs: number
}

/** As those who look after processes are told. */
export function describeHealth({ bus, queue, eventLoopLagMs }: Health) {
  return { database: 'ok', bus, queue, event_loop_lag_ms: eventLoopLagMs }
}

interface HealthPorts {
  store: Pick<Store, 'check'>
  bus: Pick<EventBus, 'isListening'>
  queue: Pick<Queue, 'findDue'>
}

const QUEUE_ANSWERS_WITHIN_MS = 1_000
/** How far apart the timers are that measure the lag. */
const RESOLUTION_MS = 10

/** Tells how this process is. @throws when the database can't be reached, or its schema is missing. */
export function createReadHealth(
  { store, bus, queue }: HealthPorts,
  agentKeys: readonly string[],
): () => Promise<Health> {
  // Nobody asks in most processes, and measuring takes timers.
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

  // Anybody may ask, as often as they like: those who ask while it is looked share what is found.
  let looking: Promise<Health> | undefined
  return () => {
    looking ??= look().finally(() => (looking = undefined))
    return looking
  }
}
