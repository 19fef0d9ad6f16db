// Parts of the statements that end runs.
import type { Transition } from '../../lifecycle/transitions.ts'

/** SQL for the columns that an UPDATE sets to end runs without a worker, except the error. */
export const setEnded = ({ to }: Transition): string =>
  `status = '${to}', finished_at = now(), last_seq = last_seq + 1, run_at = NULL, turn = NULL`

/** @param runs a condition for waits of the runs that ended */
export const cancelWaits = (runs: string): string => `
      UPDATE agent_runtime.wait SET status = 'cancelled', settled_at = now()
      WHERE ${runs} AND status = 'pending'`
