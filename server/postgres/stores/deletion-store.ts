import type { DeletionStore } from '../../ports/store/deletion-store.ts'
import { deleteBatch, deleteRun, hideConversation } from '../statements/delete-asked.ts'
import type { StoreParts } from './store-parts.ts'

export function createDeletionStore({ pool }: StoreParts): DeletionStore {
  return {
    hideConversation: (owner, conversationId) => hideConversation(pool, owner, conversationId),
    deleteBatch: (doomed) => deleteBatch(pool, doomed),
    deleteRun: (owner, runId) => deleteRun(pool, owner, runId),
  }
}
