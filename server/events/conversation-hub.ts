import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import type { Visibility } from '../contract/visibility.ts'
import type { Clock } from '../ports/clock.ts'
import type { EventBus } from '../ports/event-bus.ts'
import type { ConversationStore } from '../ports/store/conversation-store.ts'
import type { ConversationFeed } from './conversation-feed.ts'
import { ConversationFeeds } from './conversation-feeds.ts'
import { ConversationStream } from './conversation-stream.ts'
import type { ConversationStreamOptions } from './conversation-stream.ts'
import type { EventHub } from './hub.ts'
import { createSharedReads } from './shared-reads.ts'

interface ConversationHubPorts {
  store: Pick<ConversationStore, 'readConversationRuns'>
  /** Follows the runs themselves. */
  hub: Pick<EventHub, 'follow' | 'readStored'>
  bus: Pick<EventBus, 'subscribe'>
  clock: Pick<Clock, 'sleep'>
  /** Milliseconds between looks when no hint comes. */
  pollIntervalMs: number
}

export interface FollowedConversation extends Pick<
  ConversationStreamOptions,
  'conversationId' | 'newest' | 'moves' | 'open' | 'readState' | 'admit'
> {
  /** Ordinal of the newest run, as just read from the store. */
  lastOrdinal: number
  /** The run that was moved last, as just read from the store. */
  movedRunId: string | null
  visibilities: readonly Visibility[]
  /** Ends the stream without an error. */
  signal: AbortSignal
}

type ReadConversation = Omit<FollowedConversation, 'lastOrdinal' | 'movedRunId'>

/** Serves all readers of conversations in this process. Each conversation is read once for all its readers. */
export interface ConversationHub {
  follow(conversation: FollowedConversation): ConversationStream
  /** Streams what the store has now, then ends. */
  read(conversation: ReadConversation): ConversationStream
  /** How many streams are open. */
  readonly size: number
  /** Ends every stream without an error. Streams opened later end at once. */
  close(): void
}

export function createConversationHub(ports: ConversationHubPorts): ConversationHub {
  const { store, hub, bus, clock, pollIntervalMs } = ports
  const streams = new Set<ConversationStream>()
  const read: typeof store.readConversationRuns = (...page) => store.readConversationRuns(...page)
  const readShared = createSharedReads(read)
  const feeds = new ConversationFeeds({ read, clock, pollIntervalMs, gone: noSuchConversation })
  const unsubscribe = bus.subscribe(feeds)
  let isClosed = false

  function open(
    { visibilities, signal, ...conversation }: ReadConversation,
    feed: ConversationFeed | undefined,
  ): ConversationStream {
    const { conversationId } = conversation
    const end = () => stream.close()
    const stream = new ConversationStream({
      ...conversation,
      feed,
      // Readers with different floors share no read: its answer may be too old for one of them.
      readRuns: (afterOrdinal, limit) => readShared(feed?.floor, conversationId, afterOrdinal, limit),
      openRun: (run) =>
        feed === undefined ? hub.readStored({ ...run, visibilities }) : hub.follow({ ...run, visibilities }),
      gone: () => noSuchConversation(conversationId),
      onClose() {
        signal.removeEventListener('abort', end)
        streams.delete(stream)
        if (feed !== undefined) feeds.forget(feed)
      },
    })
    streams.add(stream)
    if (isClosed || signal.aborted) stream.close()
    else signal.addEventListener('abort', end, { once: true })
    return stream
  }

  return {
    follow({ lastOrdinal: afterOrdinal, movedRunId, ...conversation }) {
      const { conversationId, moves } = conversation
      const isKnown = feeds.has(conversationId)
      const feed = feeds.of(conversationId, { afterOrdinal, moves, movedRunId })
      const stream = open(conversation, feed)
      // Look now: the feed hears hints only from here on, and runs may have begun since the store was read.
      if (!isKnown) feed.look()
      return stream
    },
    read: (conversation) => open(conversation, undefined),
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

export function noSuchConversation(id: string): AgentRuntimeError {
  return new AgentRuntimeError('not_found', `There is no conversation ${id}.`)
}
