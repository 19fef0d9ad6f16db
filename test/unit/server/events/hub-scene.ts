import { createEventHub } from '../../../../server/events/hub.ts'
import type { EventStream } from '../../../../server/events/event-stream.ts'
import { visibleTo } from '../../../../server/events/visibility.ts'
import type { AnyRunEvent, EventFilter } from '../../../../server/contract/event.ts'
import type { Visibility } from '../../../../server/contract/visibility.ts'
import { isTerminal } from '../../../../server/contract/terminal.ts'
import { FakeBus } from '../../../support/fake-bus.ts'
import { FakeEventStore } from '../../../support/fake-event-store.ts'
import { ManualClock } from '../../../support/manual-clock.ts'

export const POLL_MS = 1_000

interface Following {
  stream: EventStream
  seen: number[]
  /** Resolves when the stream has ended. */
  done: Promise<void>
}

interface FollowOptions {
  afterSeq?: number
  filter?: Partial<EventFilter>
  signal?: AbortSignal
  /** Called after each batch; it makes the reader slow. */
  whenTaken?: () => Promise<unknown>
  /** False: the test reads the stream. Default: true. */
  isTaken?: boolean
}

/** A hub over a store with one run, `run`, whose first event exists. */
export function createHubScene() {
  const store = new FakeEventStore()
  const bus = new FakeBus()
  const clock = new ManualClock()
  store.add('run')
  const reads = { backlog: 0, news: 0 }
  const ports = {
    store: {
      async readEvents(...args: Parameters<FakeEventStore['readEvents']>) {
        reads.backlog += 1
        return store.readEvents(...args)
      },
      async readNewEvents(...args: Parameters<FakeEventStore['readEvents']>) {
        reads.news += 1
        return store.readEvents(...args)
      },
    },
    bus,
    clock,
    pollIntervalMs: POLL_MS,
  }
  const hub = createEventHub(ports)
  const events = () => store.run('run').events

  return {
    store,
    bus,
    clock,
    hub,
    ports,
    reads,
    events,
    emit: (type: string, visibility: Visibility = 'user') => {
      store.emit('run', type, {})
      const event = events().at(-1)
      if (event !== undefined) event.visibility = visibility
    },
    /** Sends a hint of the newest event, or of another one. With `first`, it has the events from there on. */
    hint(seq = events().length, first?: number) {
      const carried = first === undefined ? {} : { events: events().slice(first - 1, seq) }
      bus.publish([{ kind: 'events', runId: 'run', seq, ...carried }])
    },
    follow({
      afterSeq = 0,
      filter = {},
      signal = new AbortController().signal,
      whenTaken,
      isTaken = true,
    }: FollowOptions = {}): Following {
      const { status } = store.run('run')
      const stream = hub.follow({
        runId: 'run',
        afterSeq,
        visibilities: visibleTo({ includeDebug: false, includeAll: false, ...filter }, false),
        lastSeq: events().length,
        isOver: isTerminal(status),
        signal,
      })
      const seen: number[] = []
      const read = async () => {
        for await (const batch of stream) {
          seen.push(...batch.map(({ seq }: AnyRunEvent) => seq))
          await whenTaken?.()
        }
      }
      return { stream, seen, done: isTaken ? read() : Promise.resolve() }
    },
  }
}

export const seqsFrom = (first: number, last: number): number[] =>
  Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index)
