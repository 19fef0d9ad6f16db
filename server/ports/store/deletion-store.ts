import type { RunStatus } from '../../contract/run.ts'
import type { Owner } from '../owner.ts'

/** What to delete: a hidden conversation, all hidden ones, or everything of an owner or a tenant. */
export type Doomed = { conversationId: string } | { hidden: true } | { owner: Owner } | { tenant: string }

/** A deleted run, with the facts needed to tell its worker and let in parked runs. */
export interface DeletedRun {
  id: string
  owner: Owner
  status: RunStatus
}

/** What a batch has deleted. `isDone` means that nothing is left. */
export interface DeletedBatch {
  runs: DeletedRun[]
  conversations: number
  files: number
  schedules: number
  memories: number
  isDone: boolean
}

/** Deletes on request, in batches that hold no lock for long. */
export interface DeletionStore {
  /** Hides the conversation from everybody. @returns false when it does not exist, or is not the owner's. */
  hideConversation(owner: Owner, conversationId: string): Promise<boolean>
  /**
   * Deletes one batch, in this order: schedules, since they would create more; runs with all their data, newest first;
   * conversations without runs; memories; files.
   */
  deleteBatch(doomed: Doomed): Promise<DeletedBatch>
  /** Deletes a run that is over, with all its data. */
  deleteRun(owner: Owner, runId: string): Promise<'deleted' | 'under-way' | 'not-found'>
}
