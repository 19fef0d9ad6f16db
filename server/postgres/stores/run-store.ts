import { isTerminal } from '../../contract/terminal.ts'
import type { RunStore } from '../../ports/store/run-store.ts'
import * as reads from '../prisma/reads.ts'
import { countOpenRuns } from '../statements/count-open-runs.ts'
import { createRuns } from '../statements/create-runs.ts'
import { inspectRun } from '../statements/inspect-run.ts'
import { createGetProgress } from '../statements/read-events.ts'
import { readRun } from '../statements/read-run.ts'
import { requestCancel } from '../statements/request-cancel.ts'
import { readWaits } from '../statements/read-waits.ts'
import type { StoreParts } from './store-parts.ts'

export function createRunStore({ pool, prisma, delivering, visibilityOf, runsAtOnce }: StoreParts): RunStore {
  return {
    createRuns: (runs, options) =>
      delivering((deliver) => createRuns(pool, { runs, ...options, visibilityOf, runsAtOnce }, deliver)),
    isKeyUsed: (owner, idempotencyKey) => reads.isKeyUsed(prisma, owner, idempotencyKey),
    async getRun(reach, runId) {
      const run = await readRun(pool, reach, runId)
      if (run === null) return null
      return {
        ...run,
        waits: isTerminal(run.status) ? [] : ((await readWaits(pool, reach, runId))?.waits ?? []),
      }
    },
    inspectRun: (reach, runId) => inspectRun(pool, reach, runId),
    listRuns: (reach, filter, cursor) => reads.listRuns(pool, { reach, filter, cursor }),
    listSpokenRuns: (reach, filter, cursor) => reads.listSpokenRuns(pool, { reach, filter, cursor }),
    getProgress: createGetProgress(pool),
    countOpenRuns: () => countOpenRuns(pool),
    requestCancel: (owner, runId) => requestCancel(pool, { owner, runId }, visibilityOf),
  }
}
