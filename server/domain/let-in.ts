import { createGroupCommit } from '../concurrency/group-commit.ts'
import type { Logger } from '../ports/logger.ts'
import type { Owner } from '../ports/owner.ts'
import { isLimited } from '../ports/runs-at-once.ts'
import type { RunsAtOnce } from '../ports/runs-at-once.ts'
import type { GateStore } from '../ports/store/gate-store.ts'

interface LetInPorts {
  store: Pick<GateStore, 'letIn'>
  log: Logger
}

/**
 * Lets in parked runs of an owner and its tenant, after one of their runs has ended or was parked. Never rejects. Costs
 * nothing for owners without limits.
 */
export type LetIn = (owner: Owner) => Promise<void>

const MAX_BATCH = 500

/** Calls during a transaction share the next one, so many ending runs cost few transactions. */
export function createLetIn({ store, log }: LetInPorts, runsAtOnce: RunsAtOnce): LetIn {
  const letIn = createGroupCommit({
    maxBatch: MAX_BATCH,
    async flush(owners: readonly Owner[]) {
      await store.letIn(owners)
      return owners.map(() => true)
    },
  })
  return async (owner) => {
    if (!isLimited(owner, runsAtOnce)) return
    try {
      await letIn(owner)
    } catch (error) {
      // The request itself has succeeded. The next upkeep lets them in.
      log.warn({ err: error }, 'letting parked runs in failed; they are let in a moment later')
    }
  }
}
