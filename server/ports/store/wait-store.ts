import type { Json } from '../../contract/json.ts'
import type { Run } from '../../contract/run.ts'
import type { PendingWait } from '../../contract/wait.ts'
import type { SettledWait } from '../attempt.ts'
import type { Owner } from '../owner.ts'

/** What became of an answer to a wait. `not-waiting`: nothing of that name was ever waited for. */
export type RespondOutcome =
  | { kind: 'accepted'; run: Run }
  | { kind: 'already-settled'; run: Run }
  | { kind: 'not-waiting'; run: Run }
  | { kind: 'not-found' }

/** What runs wait for. */
export interface WaitStore {
  /** What a run waits for, and what for answers they have to have; null when it is not the owner's. */
  readWaits(owner: Owner, runId: string): Promise<PendingWait[] | null>
  /** The run's waits that are over. */
  readSettledWaits(runId: string): Promise<SettledWait[]>
  /** Settles the oldest pending wait of that name, and has a waiting run go on. */
  respond(owner: Owner, answer: { runId: string; wait: string; value: Json }): Promise<RespondOutcome>
}
