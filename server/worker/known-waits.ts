import type { ClaimedRun, KnownWait } from '../ports/attempt.ts'
import type { WaitStore } from '../ports/store/wait-store.ts'
import { keyOf } from './occurrences.ts'

/** The waits that are over when an attempt first asks, and those for children, by their keys. */
export type ReadKnownWaits = () => Promise<ReadonlyMap<string, KnownWait>>

/** A first attempt has none to read. */
export function createKnownWaits(
  store: Pick<WaitStore, 'readSettledWaits'>,
  run: Pick<ClaimedRun, 'id' | 'attempt'>,
): ReadKnownWaits {
  let known: ReturnType<ReadKnownWaits> | undefined

  async function read(): ReturnType<ReadKnownWaits> {
    const waits = await store.readSettledWaits(run.id)
    return new Map(waits.map((wait) => [keyOf(wait), wait]))
  }

  return () => (known ??= run.attempt === 1 ? Promise.resolve(new Map()) : read())
}
