import type { RunStatus } from '../../contract/run.ts'
import { OPEN } from '../../lifecycle/statuses.ts'
import { execute } from '../connections/transaction.ts'
import type { Executor } from '../connections/transaction.ts'

interface OpenRuns {
  agentKey: string
  status: RunStatus
  runs: number
}

// Only reads an index of the open runs, no rows.
const COUNT = {
  name: 'count_open_runs',
  text: `
    SELECT agent_key AS "agentKey", status, count(*)::int AS runs
    FROM agent_runtime.run WHERE status IN ${OPEN} GROUP BY status, agent_key`,
}

export const countOpenRuns = (executor: Executor): Promise<OpenRuns[]> =>
  execute<OpenRuns>(executor, COUNT, [])
