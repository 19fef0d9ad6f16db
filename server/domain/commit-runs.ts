import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import { createGroupCommit } from '../concurrency/group-commit.ts'
import { mayClash } from '../ports/create-run.ts'
import type { CreatedRun, NewRun } from '../ports/create-run.ts'
import type { Logger } from '../ports/logger.ts'
import { mayBeOnes, StoreFailure } from '../ports/store/store-failure.ts'
import type { RunStore } from '../ports/store/run-store.ts'

interface CommitPorts {
  store: Pick<RunStore, 'createRuns'>
  log: Logger
}

interface AskedRun {
  run: NewRun
  characters: number
}

/** The most runs that one transaction creates. */
const MAX_BATCH = 100
/**
 * The most characters of JSON in one transaction. PostgreSQL ends a transaction that is idle for 3 s, and a process may
 * need that long to handle more.
 */
const MAX_BATCH_CHARACTERS = 1024 * 1024
/** How long a batch of creates waits for a locked conversation or key, in milliseconds. */
const PATIENCE_TOGETHER_MS = 500
/** How long a single create waits. Longer than PostgreSQL lets an idle transaction keep its locks. */
const PATIENCE_APART_MS = 4_000

/**
 * Creates runs. Requests at the same time share a transaction, even of different callers. `characters` is the size of
 * the run's request.
 *
 * @throws AgentRuntimeError `validation_failed` for the run that the database refuses; the others are created.
 */
export function createCommitRun(
  ports: CommitPorts,
): (run: NewRun, characters: number) => Promise<CreatedRun> {
  const { store, log } = ports

  const createCommit = () =>
    createGroupCommit({
      maxBatch: MAX_BATCH,
      maxWeight: MAX_BATCH_CHARACTERS,
      weigh: ({ characters }) => characters,
      mayBeOnes,
      async flush(asked: readonly AskedRun[], isApart) {
        const runs = asked.map(({ run }) => run)
        return store.createRuns(runs, {
          lockPatienceMs: isApart ? PATIENCE_APART_MS : PATIENCE_TOGETHER_MS,
        })
      },
    })
  // Two groups, so that a create that waits for a locked conversation or key does not delay the others.
  const [commitNew, commitCareful] = [createCommit(), createCommit()]

  return async (run, characters) => {
    try {
      return await (mayClash(run) ? commitCareful : commitNew)({ run, characters })
    } catch (error) {
      if (!(error instanceof StoreFailure && error.kind === 'refused')) throw error
      log.warn({ err: error, agentKey: run.agentKey }, 'the database refused a run')
      const message = `The run can't be stored. ${error.message}`
      throw new AgentRuntimeError('validation_failed', message, { cause: error })
    }
  }
}
