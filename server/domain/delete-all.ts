import { isTerminal } from '../contract/terminal.ts'
import type { EventBus } from '../ports/event-bus.ts'
import type { Owner } from '../ports/owner.ts'
import type { DeletionStore, Doomed } from '../ports/store/deletion-store.ts'
import type { LetIn } from './let-in.ts'

interface DeleteAllPorts {
  store: Pick<DeletionStore, 'deleteBatch'>
  bus: Pick<EventBus, 'publish'>
  letIn: LetIn
}

/** How much was deleted. */
export interface Deleted {
  conversations: number
  runs: number
  files: number
  schedules: number
  memories: number
}

/** Deletes in batches until nothing is left, including runs under way. If it breaks off, another call continues. */
export type DeleteAll = (doomed: Doomed) => Promise<Deleted>

export function createDeleteAll({ store, bus, letIn }: DeleteAllPorts): DeleteAll {
  return async (doomed) => {
    const deleted = { conversations: 0, runs: 0, files: 0, schedules: 0, memories: 0 }
    for (;;) {
      const batch = await store.deleteBatch(doomed)
      if (batch.isDone) return deleted
      deleted.conversations += batch.conversations
      deleted.runs += batch.runs.length
      deleted.files += batch.files
      deleted.schedules += batch.schedules
      deleted.memories += batch.memories
      const open = batch.runs.filter(({ status }) => !isTerminal(status))
      // This makes their workers drop them and ends their streams.
      bus.publish(open.map(({ id }) => ({ kind: 'deleted', runId: id })))
      for (const owner of distinct(open.map(({ owner }) => owner))) void letIn(owner)
    }
  }
}

function distinct(owners: readonly Owner[]): Iterable<Owner> {
  return new Map(owners.map((owner) => [JSON.stringify(owner), owner])).values()
}
