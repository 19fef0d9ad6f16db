import type { SweepStore } from '../../ports/store/sweep-store.ts'
import { compactRuns } from '../statements/compact-runs.ts'
import {
  deleteEmptyConversations,
  deleteEmptyConversationsByRule,
} from '../statements/delete-conversations.ts'
import { deleteRunsByRule } from '../statements/delete-runs-by-rule.ts'
import { deleteRuns } from '../statements/delete-runs.ts'
import { recoverRuns } from '../statements/recover-runs.ts'
import { expireRuns, findUpkeep } from '../statements/upkeep.ts'
import type { StoreParts } from './store-parts.ts'

export function createSweepStore({ pool, delivering, visibilityOf, retryPolicy }: StoreParts): SweepStore {
  return {
    findUpkeep: (minAgeMs) => findUpkeep(pool, minAgeMs),
    recoverRuns: (workerIds) =>
      delivering((deliver) => recoverRuns(pool, { workerIds, visibilityOf, retryPolicy }, deliver)),
    expireRuns: () => expireRuns(pool, visibilityOf),
    compactRuns: (ageMs) => compactRuns(pool, ageMs),
    deleteRuns: (ageMs) => deleteRuns(pool, ageMs),
    deleteEmptyConversations: (ageMs) => deleteEmptyConversations(pool, ageMs),
    deleteRunsByRule: (rule) => deleteRunsByRule(pool, rule),
    deleteEmptyConversationsByRule: (rule) => deleteEmptyConversationsByRule(pool, rule),
  }
}
