import { isTerminalEvent } from '../contract/terminal.ts'
import type { AnyRunEvent } from '../contract/event.ts'
import type { Clock, EventBus, Store } from '../ports.ts'

/** Events read at once: bounds what a reader far behind costs in memory. */
const PAGE = 500

/** A reason of its own: without one, each abort makes an error with a stack. */
const WOKEN = 'woken'

interface TailPorts {
  store: Pick<Store, 'readEvents'>
  bus: EventBus
  clock: Clock
  /** Between looks when no hint comes: what makes a lost hint cost latency only. */
  pollIntervalMs: number
}

export interface TailOptions {
  runId: string
  /** `seq` of the last event the reader has. */
  afterSeq: number
  /** Ends the iteration without an error. */
  signal: AbortSignal
}

/**
 * A run's events from a cursor on, in batches and in order: first what is stored, then what comes.
 * Ends after the terminal event. Hints are listened to before the backlog is read, so that nothing
 * falls between the two.
 */
export async function* tail(ports: TailPorts, options: TailOptions): AsyncGenerator<AnyRunEvent[], void> {
  const { runId, signal } = options
  let cursor = options.afterSeq
  /** The newest `seq` heard of. Until a first hint there is no telling what is stored. */
  let announced = Infinity
  let wake = new AbortController()
  const unsubscribe = ports.bus.subscribe({
    onHint(hint) {
      if (hint.kind !== 'events' || hint.runId !== runId) return
      announced = hint.seq
      if (hint.seq > cursor) wake.abort(WOKEN)
    },
    onResync() {
      announced = Infinity
      wake.abort(WOKEN)
    },
  })
  const stop = () => wake.abort(WOKEN)
  signal.addEventListener('abort', stop, { once: true })

  try {
    while (!signal.aborted) {
      wake = new AbortController()
      const events = await ports.store.readEvents(runId, cursor, PAGE)
      const last = events.at(-1)
      if (last !== undefined) {
        cursor = last.seq
        yield events
        if (isTerminalEvent(last.type)) return
        if (events.length === PAGE || (announced > cursor && announced !== Infinity)) continue
      }
      if (!signal.aborted && !wake.signal.aborted) {
        await ports.clock.sleep(ports.pollIntervalMs, wake.signal)
      }
    }
  } finally {
    signal.removeEventListener('abort', stop)
    unsubscribe()
  }
}
