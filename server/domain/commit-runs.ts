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

/** Creates that one transaction takes at most. */
const MAX_BATCH = 100
/**
 * And their characters, as JSON: what is large takes a process long to write and to read back, and meanwhile the
 * transaction stands still, which PostgreSQL ends after 3 s.
 */
const MAX_BATCH_CHARACTERS = 1024 * 1024
/** How long creates wait for a conversation or a key that somebody holds, while others wait for them. */
const PATIENCE_TOGETHER_MS = 500
/** Alone: longer than PostgreSQL lets a process that stands still hold anything. */
const PATIENCE_APART_MS = 4_000

/**
 * Creates runs, those that come together in one transaction, whoever they are of. A run comes with how many characters
 * its request has.
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
  // Two: what may have to wait for a conversation or a key keeps no other run waiting.
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
