import { isTerminal } from '../contract/terminal.ts'
import type { Logger } from '../ports/logger.ts'
import type { ChangedRun } from '../ports/upkeep.ts'

/** Logs a line for each of `runs` that is over. Workers log the ends of runs that they execute. */
export function logEnded(runs: readonly Omit<ChangedRun, 'lastSeq'>[], log: Logger): void {
  for (const { id: runId, agentKey, status } of runs) {
    if (isTerminal(status)) log.info({ runId, agentKey, status }, 'a run ended that no worker held')
  }
}
