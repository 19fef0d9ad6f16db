import type { EventBus, Hint } from '../../server/ports/event-bus.ts'

/** Passes on at once what the test publishes. */
export class FakeBus implements EventBus {
  readonly isListening = true
  readonly listeners = new Set<Parameters<EventBus['subscribe']>[0]>()

  async start(): Promise<void> {}
  async stop(): Promise<void> {}

  publish(hints: readonly Hint[]): void {
    for (const hint of hints) for (const listener of this.listeners) listener.onHint(hint)
  }

  resync(): void {
    for (const listener of this.listeners) listener.onResync()
  }

  subscribe(listener: Parameters<EventBus['subscribe']>[0]): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }
}
