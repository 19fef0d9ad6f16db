import type { Clock } from '../ports/clock.ts'
import type { Hint, HintListener } from '../ports/event-bus.ts'
import type { ConversationStore } from '../ports/store/conversation-store.ts'
import { ConversationFeed } from './conversation-feed.ts'
import type { FeedBeginning } from './conversation-feed.ts'

interface FeedsOptions {
  read: ConversationStore['readConversationRuns']
  clock: Pick<Clock, 'sleep'>
  pollIntervalMs: number
  /** The error for readers of a deleted conversation. */
  gone(conversationId: string): unknown
}

/**
 * The feeds of the conversations that are followed in this process. They look at each hint, and at intervals anyway.
 */
export class ConversationFeeds implements HintListener {
  readonly #options: FeedsOptions
  readonly #feeds = new Map<string, ConversationFeed>()
  #polling: AbortController | undefined

  constructor(options: FeedsOptions) {
    this.#options = options
  }

  has(conversationId: string): boolean {
    return this.#feeds.has(conversationId)
  }

  /** @param beginning where a new feed begins; ignored if there is a feed already. */
  of(conversationId: string, beginning: FeedBeginning): ConversationFeed {
    const known = this.#feeds.get(conversationId)
    if (known !== undefined) return known
    const { read, gone } = this.#options
    const feed = new ConversationFeed({
      ...beginning,
      conversationId,
      read,
      gone: () => gone(conversationId),
    })
    this.#feeds.set(conversationId, feed)
    if (this.#polling === undefined) {
      this.#polling = new AbortController()
      void this.#poll(this.#polling)
    }
    return feed
  }

  /** Drops the feed if nobody follows it. */
  forget(feed: ConversationFeed): void {
    if (feed.isFollowed || this.#feeds.get(feed.conversationId) !== feed) return
    this.#feeds.delete(feed.conversationId)
    if (this.#feeds.size > 0) return
    this.#polling?.abort('nobody follows')
    this.#polling = undefined
  }

  onHint(hint: Hint): void {
    if (this.#feeds.size === 0) return
    if (hint.kind === 'conversation') this.#feeds.get(hint.conversationId)?.look()
    if (hint.kind !== 'queued') return
    for (const { conversationId } of hint.runs ?? []) {
      if (conversationId !== undefined) this.#feeds.get(conversationId)?.look()
    }
  }

  onResync(): void {
    for (const feed of this.#feeds.values()) feed.look()
  }

  async #poll({ signal }: AbortController): Promise<void> {
    const { clock, pollIntervalMs } = this.#options
    for (;;) {
      await clock.sleep(pollIntervalMs, signal)
      if (signal.aborted) return
      for (const feed of this.#feeds.values()) feed.poll()
    }
  }
}
