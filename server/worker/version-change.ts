import type { AnyAgent } from '../agent/agent.ts'
import { JOURNAL } from '../agent/journal.ts'
import type { RunLog } from '../events/run-log.ts'
import { versionChanged } from '../lifecycle/errors.ts'
import type { ClaimedRun } from '../ports/attempt.ts'
import type { Logger } from '../ports/logger.ts'
import type { AttemptStore } from '../ports/store/attempt-store.ts'
import { failed, released } from './ending.ts'
import type { Ending } from './ending.ts'
import { RunInterruption } from './interruption.ts'
import { keyOf } from './occurrences.ts'
import { BEGUN } from './steps.ts'

interface Ports {
  store: Pick<AttemptStore, 'hasProgress' | 'forgetProgress'>
  log: Logger
}

interface Met {
  run: ClaimedRun
  agent: Pick<AnyAgent, 'version' | 'onVersionChange'>
  runLog: Pick<RunLog, 'messages'>
}

/** Whether the run was begun by another version of its agent than this one. */
export function isOfOtherVersion(
  run: Pick<ClaimedRun, 'agentVersion'>,
  agent: Pick<AnyAgent, 'version'>,
): run is { agentVersion: string } {
  return agent.version !== undefined && run.agentVersion !== null && run.agentVersion !== agent.version
}

/**
 * Tells of steps that other code has left and this code did not come to: what they did may be missing, or be done twice by another name. The
 * attempt has done its work, so it never rejects.
 */
export async function tellUnreached(
  { store, log }: { store: Pick<AttemptStore, 'readStepNames'>; log: Logger },
  run: Pick<ClaimedRun, 'id' | 'agentVersion'>,
  reached: ReadonlySet<string>,
): Promise<void> {
  try {
    const left = (await store.readStepNames(run.id)).filter(
      ({ name }) => !name.endsWith(BEGUN) && !name.endsWith(JOURNAL),
    )
    const steps = left.map(keyOf).filter((key) => !reached.has(key))
    if (steps.length === 0) return
    log.warn(
      { steps: steps.slice(0, 20), from: run.agentVersion },
      'steps that another version of the agent has left were not reached by this one',
    )
  } catch (error) {
    log.warn({ err: error }, 'which steps another version of the agent has left could not be read')
  }
}

/**
 * Does what the agent says of a run that another version of it began.
 *
 * @returns how to end the attempt; undefined where it goes on.
 */
export async function meetVersion(
  { store, log }: Ports,
  { run, agent, runLog }: Met,
): Promise<Ending | undefined> {
  if (!isOfOtherVersion(run, agent)) return undefined
  const { version: to = '', onVersionChange = 'continue' } = agent
  const from = run.agentVersion
  switch (onVersionChange) {
    case 'continue':
      log.info({ from, to }, 'a run goes on by another version of its agent')
      return undefined
    case 'fail': {
      if (!(await store.hasProgress(run.id))) return undefined
      log.warn({ from, to }, 'a run can not go on by another version of its agent')
      return failed(versionChanged(from, to))
    }
    case 'restart': {
      const forgotten = await store.forgetProgress(run, to)
      if (forgotten === 'fenced') throw new RunInterruption('lost')
      if (forgotten === null) return undefined
      log.info({ from, to }, 'a run begins anew by another version of its agent')
      // Whoever reads along drops what the steps have told.
      runLog.messages.drop(forgotten.messageIds)
      return released(run, { error: versionChanged(from, to, true) })
    }
  }
}
