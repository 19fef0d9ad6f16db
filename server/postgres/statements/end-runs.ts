// Parts of the statements that end runs.
import type { Transition } from '../../lifecycle/transitions.ts'

/** SQL for what an UPDATE sets that ends runs which no worker has, beside the error. */
export const setEnded = ({ to }: Transition): string =>
  `status = '${to}', finished_at = now(), last_seq = last_seq + 1, run_at = NULL, turn = NULL`

/** @param runs a condition: of the runs that ended */
export const cancelWaits = (runs: string): string => `
      UPDATE agent_runtime.wait SET status = 'cancelled', settled_at = now()
      WHERE ${runs} AND status = 'pending'`
