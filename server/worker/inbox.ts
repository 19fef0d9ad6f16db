import type { ClaimedRun } from '../ports/attempt.ts'
import type { SentStore, TakenMessage } from '../ports/store/sent-store.ts'

/** What a run is sent while an attempt executes it. */
export interface Inbox {
  /** How many messages the run has been sent, as far as this process knows. */
  readonly sent: number
  /** So many, its row says. */
  note(sent: number): void
  /**
   * What no stored step has; it is this step's until that is stored or fails. Costs nothing where nothing was sent, as far as this process
   * knows; `looks`: it asks in any case.
   */
  take(stepKey: string, options?: { looks: boolean }): Promise<readonly TakenMessage[]>
  /** Positions of what the step has taken. */
  heldBy(stepKey: string): number[]
  /** The step is stored, and what it has taken with it. */
  settle(stepKey: string): void
  /** The step has failed: the next one takes what it had. */
  release(stepKey: string): void
}

export function createInbox(store: Pick<SentStore, 'takeSent'>, run: ClaimedRun): Inbox {
  const held = new Map<string, TakenMessage[]>()
  let { sent } = run
  // An earlier attempt may have taken what it stored no step with.
  let mayHaveMore = sent > 0

  async function look(stepKey: string): Promise<void> {
    mayHaveMore = false
    try {
      const found = await store.takeSent(run)
      // Steps that go on side by side take nothing from each other.
      const positions = new Set([...held.values()].flat().map(({ position }) => position))
      const fresh = found.filter(({ position }) => !positions.has(position))
      if (fresh.length > 0) held.set(stepKey, [...(held.get(stepKey) ?? []), ...fresh])
    } catch (error) {
      mayHaveMore = true
      throw error
    }
  }

  return {
    get sent() {
      return sent
    },
    note(count) {
      if (count <= sent) return
      sent = count
      mayHaveMore = true
    },
    async take(stepKey, { looks } = { looks: false }) {
      if (looks || mayHaveMore) await look(stepKey)
      return held.get(stepKey) ?? []
    },
    heldBy: (stepKey) => (held.get(stepKey) ?? []).map(({ position }) => position),
    settle: (stepKey) => void held.delete(stepKey),
    release(stepKey) {
      if (held.delete(stepKey)) mayHaveMore = true
    },
  }
}
