import type { ConversationSignal } from './follow-conversation.ts'
import type { FollowSignal } from './follow-run.ts'
import type { LateDependencies } from './late.ts'
import { loadedOnce, untilLoaded } from './late.ts'
import type { Streams } from './streams.ts'

export interface LateStreams extends Streams {
  /** Begins to load, because a stream will be opened soon. */
  prepare(): void
}

/** Streams whose code is loaded for the first of them. A failed load is reported and tried again like a lost stream. */
export function createLateStreams(load: () => Promise<Streams>, dependencies: LateDependencies): LateStreams {
  const loaded = loadedOnce(load, dependencies.clock)
  // A run and its tools wait equally long, so that both give up or neither does.
  const chance = dependencies.random()
  const waiting = { ...dependencies, random: () => chance }
  const untilThere = (signal?: AbortSignal) => untilLoaded(loaded, waiting, signal)
  return {
    // Opening a stream reports this failure.
    prepare: () => void loaded().catch(() => {}),
    async *followRun(runId, options = {}): AsyncGenerator<FollowSignal, void, void> {
      const streams = yield* untilThere(options.signal)
      yield* streams.followRun(runId, options)
    },
    async *followConversation(conversationId, options = {}): AsyncGenerator<ConversationSignal, void, void> {
      const streams = yield* untilThere(options.signal)
      yield* streams.followConversation(conversationId, options)
    },
    async runTools(runId, tools, options = {}) {
      const loading = untilThere(options.signal)
      try {
        for (;;) {
          const { done, value } = await loading.next()
          if (done) return value.runTools(runId, tools, options)
        }
      } catch (error) {
        // A page that leaves is no failure.
        if (!options.signal?.aborted) throw error
      }
    },
  }
}
