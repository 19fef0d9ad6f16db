import type { AnyRunEvent } from '../contract/event.ts'
import type { Clock } from '../ports/clock.ts'
import type { EventBus } from '../ports/event-bus.ts'
import type { EventStore } from '../ports/store/event-store.ts'
import { RunEventStream } from './run-event-stream.ts'
import type { EventStream } from './event-stream.ts'
import type { RunEventStreamOptions } from './run-event-stream.ts'
import { RunFeed } from './run-feed.ts'
import { createSharedReads } from './shared-reads.ts'

/** If the first reader lacks at most this many events, the feed begins there and holds them too. */
const MAX_FEED_BACKLOG = 250

interface HubPorts {
  store: Pick<EventStore, 'readEvents' | 'readNewEvents'>
  bus: Pick<EventBus, 'subscribe'>
  clock: Pick<Clock, 'sleep'>
  /** Milliseconds between looks when no hint comes. Because of these looks a lost hint costs only latency. */
  pollIntervalMs: number
  /** Called with the newest event of a run when a hint led to it. */
  onHeard?: ((newest: AnyRunEvent) => void) | undefined
}

export interface FollowedRun extends Pick<
  RunEventStreamOptions,
  'runId' | 'afterSeq' | 'visibilities' | 'isPaused'
> {
  /** As just read from the store. */
  lastSeq: number
  isOver: boolean
  /** Ends the stream without an error. */
  signal?: AbortSignal
}

/** Serves all readers of runs in this process. Each run is read once for all its readers. */
export interface EventHub {
  follow(run: FollowedRun): EventStream
  /** Streams what the store has now, then ends. */
  readStored(run: Pick<FollowedRun, 'runId' | 'afterSeq' | 'visibilities'>): EventStream
  /** How many streams are open. */
  readonly size: number
  /** Ends every stream without an error. Streams opened later end at once. */
  close(): void
}

export function createEventHub({ store, bus, clock, pollIntervalMs, onHeard }: HubPorts): EventHub {
  const feeds = new Map<string, RunFeed>()
  const streams = new Set<EventStream>()
  const readShared = createSharedReads((...page: Parameters<EventStore['readEvents']>) =>
    store.readEvents(...page),
  )
  let polling: AbortController | undefined
  let isClosed = false

  const unsubscribe = bus.subscribe({
    onHint(hint) {
      if (hint.kind === 'events') feeds.get(hint.runId)?.onHint(hint)
      // Only end the streams. Readers who reconnect learn whether the run still exists.
      if (hint.kind === 'deleted') feeds.get(hint.runId)?.end()
    },
    onResync() {
      for (const feed of feeds.values()) feed.look()
    },
  })

  async function poll({ signal }: AbortController): Promise<void> {
    for (;;) {
      await clock.sleep(pollIntervalMs, signal)
      if (signal.aborted) return
      for (const feed of feeds.values()) feed.poll()
    }
  }

  function open({ runId, afterSeq, lastSeq }: FollowedRun): RunFeed {
    // The first reader may be far behind, or far ahead. Begin at the newest event for the former, and never beyond it
    // for the latter.
    const start = lastSeq - afterSeq > MAX_FEED_BACKLOG ? lastSeq : Math.min(afterSeq, lastSeq)
    const feed = new RunFeed({ runId, afterSeq: start }, { read: store.readNewEvents, onHeard })
    feeds.set(runId, feed)
    if (polling === undefined) {
      polling = new AbortController()
      void poll(polling)
    }
    return feed
  }

  function forget(feed: RunFeed): void {
    if (feed.isFollowed || feeds.get(feed.runId) !== feed) return
    feeds.delete(feed.runId)
    if (feeds.size > 0) return
    polling?.abort('nobody follows')
    polling = undefined
  }

  return {
    follow(run) {
      const { signal } = run
      const known = feeds.get(run.runId)
      const feed = known ?? (run.isOver ? undefined : open(run))
      const end = () => stream.close()
      const stream = new RunEventStream({
        runId: run.runId,
        afterSeq: run.afterSeq,
        visibilities: run.visibilities,
        isPaused: run.isPaused,
        feed,
        // Readers with different floors share no read: its answer may be too old for one of them.
        readEvents: (...page) => readShared(feed?.floor, ...page),
        onClose() {
          signal?.removeEventListener('abort', end)
          streams.delete(stream)
          if (feed !== undefined) forget(feed)
        },
      })
      streams.add(stream)
      const hasAll = run.isOver && run.afterSeq >= run.lastSeq
      if (isClosed || hasAll || signal?.aborted) stream.close()
      else {
        signal?.addEventListener('abort', end, { once: true })
        // Look now: the feed hears hints only from here on, and events may have been written since the store was read.
        if (feed !== known) feed?.look()
      }
      return stream
    },
    readStored: (run) => storedStream(run, (...page) => readShared(undefined, ...page)),
    get size() {
      return streams.size
    },
    close() {
      isClosed = true
      unsubscribe()
      for (const stream of streams) stream.close()
    },
  }
}

function storedStream(
  run: Pick<FollowedRun, 'runId' | 'afterSeq' | 'visibilities'>,
  readEvents: EventStore['readEvents'],
): EventStream {
  return new RunEventStream({ ...run, feed: undefined, readEvents, onClose() {} })
}
