import type { Page, PageCursor } from '../../contract/page.ts'
import type { RunInspection } from '../../contract/inspection.ts'
import type { ListRunsInput, Run, RunDetail, RunStatus, RunSummary, SpokenRun } from '../../contract/run.ts'
import type { CreatedRun, NewRun } from '../create-run.ts'
import type { Owner, Reach } from '../owner.ts'

/** A run's identity, and how far it has come. */
export interface RunProgress {
  run: RunSummary
  lastSeq: number
  /** It waits for a person or a time, not only for its own children. */
  isPaused: boolean
}

/** What became of a cancel request. */
export type CancelOutcome =
  /** `hasFamily`: there are runs above or below it. */
  | { kind: 'cancelled'; run: Run; hasFamily: boolean }
  | { kind: 'requested'; run: Run }
  | { kind: 'already-ended'; run: Run }
  | { kind: 'not-found' }

/** Runs, as callers create and read them. A run that can start is delivered in the same transaction. */
export interface RunStore {
  /**
   * Creates runs with their messages in one transaction. Answers in the order of `runs`. Waits at most `lockPatienceMs`
   * for a locked conversation or key.
   */
  createRuns(runs: readonly NewRun[], options?: { lockPatienceMs: number }): Promise<CreatedRun[]>
  /** Whether the owner has used the idempotency key before. */
  isKeyUsed(owner: Owner, idempotencyKey: string): Promise<boolean>
  getRun(reach: Reach, runId: string): Promise<RunDetail | null>
  /** How it was executed so far. */
  inspectRun(reach: Reach, runId: string): Promise<RunInspection | null>
  listRuns(
    reach: Reach,
    filter: Omit<ListRunsInput, 'cursor' | 'scope'>,
    cursor: PageCursor | null,
  ): Promise<Page<Run>>
  /** As `listRuns`, with the runs' messages. */
  listSpokenRuns(
    reach: Reach,
    filter: Omit<ListRunsInput, 'cursor' | 'scope'>,
    cursor: PageCursor | null,
  ): Promise<Page<SpokenRun>>
  getProgress(reach: Reach, runId: string): Promise<RunProgress | null>
  /** How many runs are queued, running and waiting, by agent. */
  countOpenRuns(): Promise<{ agentKey: string; status: RunStatus; runs: number }[]>
  /** Ends a queued or waiting run at once; marks a running one. */
  requestCancel(owner: Owner, runId: string): Promise<CancelOutcome>
}
