import type pg from 'pg'
import type { Json } from '../contract/json.ts'
import { execute } from './connections/transaction.ts'

/** A completed step, as it is stored. */
export interface StoredStep {
  name: string
  /** Which of the steps of that name, from 1. */
  occurrence: number
  /** The attempt that completed it. */
  attempt: number
  /** Null when it returned nothing. */
  result: Json
}

const READ_STEPS = {
  name: 'read_record_steps',
  text: `
    SELECT name, occurrence, attempt, result FROM agent_runtime.step
    WHERE run_id = $1 ORDER BY completed_at, name, occurrence`,
}

/** All steps of a run, for inspection from outside. */
export function readStoredSteps(pool: pg.Pool, runId: string): Promise<StoredStep[]> {
  return execute<StoredStep & pg.QueryResultRow>(pool, READ_STEPS, [runId])
}
