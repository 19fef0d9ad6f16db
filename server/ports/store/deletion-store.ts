import type { RunStatus } from '../../contract/run.ts'
import type { Owner } from '../owner.ts'

/** What to delete: a hidden conversation, all hidden ones, or everything of an owner or a tenant. */
export type Doomed = { conversationId: string } | { hidden: true } | { owner: Owner } | { tenant: string }

/** A deleted run, with what is needed to tell its worker and let in others. */
export interface DeletedRun {
  id: string
  owner: Owner
  status: RunStatus
}

/** What a batch has deleted. `isDone` says that nothing was left. */
export interface DeletedBatch {
  runs: DeletedRun[]
  conversations: number
  files: number
  schedules: number
  memories: number
  isDone: boolean
}

/** Deletes what somebody asked to have deleted, in batches that hold no lock for long. */
export interface DeletionStore {
  /** Hides the conversation from everybody. @returns false where it is not there, or not the owner's. */
  hideConversation(owner: Owner, conversationId: string): Promise<boolean>
  /** Deletes some of it: schedules, which would create more of it, then newest first runs with all that is theirs, then conversations without runs, then memories, then files. */
  deleteBatch(doomed: Doomed): Promise<DeletedBatch>
  /** Deletes a run that is over, with all that is its. */
  deleteRun(owner: Owner, runId: string): Promise<'deleted' | 'under-way' | 'not-found'>
}
