import type { RunStatus } from '../../contract/run.ts'
import type { Owner } from '../owner.ts'

/** What to delete: a conversation that was hidden, every one that was, or all there is of an owner or a tenant. */
export type Doomed = { conversationId: string } | { hidden: true } | { owner: Owner } | { tenant: string }

/** A run that is gone, with what there is to do for others then. */
export interface DeletedRun {
  id: string
  owner: Owner
  status: RunStatus
}

/** What a batch has deleted. `isDone`: there was nothing left. */
export interface DeletedBatch {
  runs: DeletedRun[]
  conversations: number
  isDone: boolean
}

/** Deletes what somebody asked to have deleted, in batches that hold no lock for long. */
export interface DeletionStore {
  /** From then on the conversation is not there for anybody. @returns false where it was not, or is not the owner's. */
  hideConversation(owner: Owner, conversationId: string): Promise<boolean>
  /** Deletes some of it, newest first: runs with all that is theirs, then conversations without runs. */
  deleteBatch(doomed: Doomed): Promise<DeletedBatch>
  /** Deletes a run that is over, with all that is its. */
  deleteRun(owner: Owner, runId: string): Promise<'deleted' | 'under-way' | 'not-found'>
}
