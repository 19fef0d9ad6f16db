import type { Json } from '../../contract/json.ts'
import type { Run, RunSummary } from '../../contract/run.ts'
import type { PendingWait, WaitKind } from '../../contract/wait.ts'
import type { SettledWait } from '../attempt.ts'
import type { Owner, Reach } from '../owner.ts'

/** What became of an answer to a wait. `not-waiting`: nothing of that name was ever waited for. */
export type RespondOutcome =
  | { kind: 'accepted'; run: Run }
  | { kind: 'already-settled'; run: Run }
  | { kind: 'not-waiting'; run: Run }
  | { kind: 'not-found' }

export interface PendingWaits {
  run: RunSummary
  waits: PendingWait[]
}

export interface RespondRequest {
  runId: string
  wait: string
  /** Of the wait that the answer was checked for: none of another kind is answered. Null: there was none, and is none. */
  kind: WaitKind | null
  value: Json
  /** Id of the principal who answers. */
  by: string
}

/** What runs wait for. */
export interface WaitStore {
  /** What a run waits for, and what for answers they have to have; null when it is not reached. */
  readWaits(reach: Reach, runId: string): Promise<PendingWaits | null>
  /** The run's waits that are over. */
  readSettledWaits(runId: string): Promise<SettledWait[]>
  /** Settles the oldest pending wait of that name, and has a waiting run go on. */
  respond(owner: Owner, answer: RespondRequest): Promise<RespondOutcome>
}
