import type { AttemptStore } from '../../ports/store/attempt-store.ts'
import { append } from '../statements/append.ts'
import { claimRuns } from '../statements/claim-runs.ts'
import { readStepNames, readSteps, renewLeases, saveCheckpoint, saveStep } from '../statements/hold-runs.ts'
import { forgetProgress, hasProgress } from '../statements/progress.ts'
import { readSpent } from '../statements/read-spent.ts'
import { readWholeHistory } from '../statements/read-whole-history.ts'
import { readTold } from '../statements/read-told.ts'
import type { StoreParts } from './store-parts.ts'

export function createAttemptStore({ pool, deliveries, delivering, visibilityOf }: StoreParts): AttemptStore {
  return {
    claimRuns: (lease, from) => claimRuns(deliveries, { ...lease, visibilityOf }, from),
    append: (batch) => delivering((deliver) => append(pool, batch, { deliver, visibilityOf })),
    renewLeases: (runs, ttlMs) => renewLeases(pool, runs, ttlMs),
    saveCheckpoint: (runId, attempt, state) => saveCheckpoint(pool, { runId, attempt }, state),
    readSteps: (runId) => readSteps(pool, runId),
    readStepNames: (runId) => readStepNames(pool, runId),
    saveStep: (run, step) => saveStep(pool, run, step),
    hasProgress: (runId) => hasProgress(pool, runId),
    forgetProgress: (run, version) => forgetProgress(pool, run, version),
    readSpent: (runId, attempt) => readSpent(pool, runId, attempt),
    readWholeHistory: (runId) => readWholeHistory(pool, runId),
    readTold: (runId, types) => readTold(pool, runId, types),
  }
}
