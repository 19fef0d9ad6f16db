import type { Json } from '../../contract/json.ts'
import type { Run, RunSummary } from '../../contract/run.ts'
import type { PendingWait } from '../../contract/wait.ts'
import type { KnownWait } from '../attempt.ts'
import type { Owner, Reach } from '../owner.ts'

/**
 * The result of an answer to a wait. `not-waiting`: the run never had a wait of that name. `asked-otherwise`: the wait
 * now asks for something else.
 */
export type RespondOutcome =
  | { kind: 'accepted'; run: Run }
  | { kind: 'already-settled'; run: Run }
  | { kind: 'asked-otherwise'; run: Run }
  | { kind: 'not-waiting'; run: Run }
  | { kind: 'not-found' }

export interface PendingWaits {
  run: RunSummary
  waits: PendingWait[]
}

export interface WaitBelow {
  run: RunSummary
  wait: PendingWait
  /** It can be answered now. */
  isOpen: boolean
}

export interface RespondRequest {
  runId: string
  wait: string
  /** Which of several waits of that name is meant. Default: the first pending one. */
  occurrence?: number | undefined
  /**
   * The wait that the answer was checked against. A wait that asks for something else is not answered. Null when there
   * was none.
   */
  asked: Pick<PendingWait, 'kind' | 'details' | 'schema'> | null
  value: Json
  /** Id of the principal who answers. */
  by: string
}

/** The waits of runs. */
export interface WaitStore {
  /** The pending waits of a run, with the schemas of their answers. Null when the caller does not reach the run. */
  readWaits(reach: Reach, runId: string): Promise<PendingWaits | null>
  /**
   * Waits of that name (and occurrence, if given) in the runs below that ask for an answer, of children that are waited
   * for; open ones first. Empty when the run itself has, or had, a wait of that name.
   */
  findWaitsBelow(
    reach: Reach,
    runId: string,
    asked: { name: string; occurrence?: number | undefined },
  ): Promise<WaitBelow[]>
  /** The run's waits that are over, and its waits for children. */
  readSettledWaits(runId: string): Promise<KnownWait[]>
  /** Settles the pending wait of that name and occurrence, and queues a waiting run. */
  respond(owner: Owner, answer: RespondRequest): Promise<RespondOutcome>
}
