import { z } from 'zod'
import { runWithContext } from '../agent/current-context.ts'
import { aborted } from '../concurrency/aborted.ts'
import type { Usage } from '../contract/budget.ts'
import { isTerminal } from '../contract/terminal.ts'
import { INVALID_PARAMS } from '../lifecycle/errors.ts'
import { withFields } from '../ports/logger.ts'
import type { ClaimedRun } from '../ports/attempt.ts'
import type { Logger } from '../ports/logger.ts'
import { createAttemptContext } from './attempt-context.ts'
import { createSpending } from './budget.ts'
import type { Spending } from './budget.ts'
import { runAsAttempt } from './current-attempt.ts'
import { failed, succeeded } from './ending.ts'
import type { Ending } from './ending.ts'
import { RunInterruption } from './interruption.ts'
import { Suspension } from './suspension.ts'
import { isOfOtherVersion, meetVersion, tellUnreached } from './version-change.ts'
import type { ExecutePorts, Execution } from './execution.ts'
import { outcomeOf, settle, endFailed, endInterrupted } from './settle-attempt.ts'

/**
 * Runs an agent once and writes how that ended. Resolves when nothing is left to do for the attempt.
 *
 * @returns what was written; `lost` when the run is in other hands or still to be ended by them, and so
 * is its delivery.
 */
export async function executeAttempt(
  given: ExecutePorts,
  execution: Execution,
): Promise<Ending['ending'] | 'lost'> {
  const { run } = execution
  const startedAt = given.clock.now()
  const span = given.tracer.begin({
    kind: 'attempt',
    run,
    attempt: run.attempt,
    traceparent: run.traceparent,
    earlierTraceparent: run.earlierTraceparent,
    earlierAttempt: run.earlierAttempt,
    messages: run.messages,
  })
  execution.runLog.traceparent = span.traceparent
  const { id: runId, agentKey, attempt } = run
  const traceId = span.traceparent?.split('-')[1]
  const about = { runId, agentKey, attempt, ...(traceId === undefined ? {} : { traceId }) }
  const ports = { ...given, log: withFields(given.log, about) }
  let written: Ending | 'lost' = 'lost'
  try {
    const wanted = await span.within(() => runAgent(ports, execution))
    if (wanted !== undefined) written = await settle(ports, execution, wanted)
  } finally {
    span.end(outcomeOf(written))
  }
  if (written === 'lost') return 'lost'
  const { status } = written.ending
  const durationMs = ports.clock.now() - startedAt
  if (isTerminal(status)) ports.log.info({ status, durationMs }, 'a run ended')
  return written.ending
}

/** @returns how to end the run; undefined when it is no longer ours to end. */
async function runAgent(ports: ExecutePorts, execution: Execution): Promise<Ending | undefined> {
  const { run, controller } = execution
  const { signal } = controller
  const suspension = new Suspension(ports.clock, controller)
  const endAborted = (reason: unknown) => endInterrupted(ports, { ...execution, suspension }, reason)
  if (signal.aborted) return endAborted(signal.reason)
  const over = new AbortController()
  void watchTimeout(ports, execution, over.signal)
  try {
    const ended = await Promise.race([
      runAsAttempt({ fail: (error) => failStray(ports, execution, { error, over: over.signal }) }, () =>
        attempt(ports, { ...execution, signal, suspension }),
      ),
      abandonment(ports, { signal, over: over.signal }),
    ])
    return signal.aborted ? endAborted(signal.reason) : ended
  } catch (error) {
    if (signal.aborted) return endAborted(signal.reason)
    // One of the agent's own writes was fenced before the lease was found lost.
    if (error instanceof RunInterruption) return endAborted(error)
    return endFailed(ports, run, error)
  } finally {
    // An abort without a reason makes an error with a stack.
    over.abort('over')
  }
}

/** Runs the agent and its schemas. Any of them may hang. */
async function attempt(
  ports: ExecutePorts,
  { run, agent, ...rest }: Execution & { signal: AbortSignal; suspension: Suspension },
): Promise<Ending> {
  const change = await meetVersion(ports, { run, agent, runLog: rest.runLog })
  if (change !== undefined) return change
  const given = run.params ?? undefined
  const params = agent.params && (await z.safeParseAsync(agent.params, given))
  if (params?.success === false) {
    return failed(INVALID_PARAMS)
  }
  if (run.isHistoryCut) {
    ports.log.warn(
      { conversationId: run.conversationId },
      'a conversation is longer than an agent is given: it has the newest runs of it',
    )
  }
  const spending = await createSpending(ports.store, run, rest.controller)
  const reached = isOfOtherVersion(run, agent) ? new Set<string>() : undefined
  const ctx = createAttemptContext(ports, {
    ...rest,
    reached,
    spending,
    run,
    agent,
    params: params === undefined ? given : params.data,
  })
  // `run` takes the context of its own types, which are gone here.
  const result = await runWithContext(ctx, () => agent.run(ctx as never))
  if (reached !== undefined) await tellUnreached(ports, run, reached)
  return succeeded(agent, result, await usageOf(spending, run, ports.log))
}

/** What an attempt did is not to be done again because what it used can't be told. */
async function usageOf(
  spending: Spending,
  { id: runId }: ClaimedRun,
  log: Logger,
): Promise<Usage | undefined> {
  try {
    return await spending.usage()
  } catch (error) {
    log.warn(
      { err: error, runId },
      'what earlier attempts of a run used could not be read: it ends without it',
    )
    return undefined
  }
}

/**
 * Handles an uncaught error of a promise or timer that the agent did not await. It ends the attempt as a thrown error
 * does, since the agent may rely on what has failed.
 */
function failStray(
  ports: ExecutePorts,
  { controller }: Execution,
  { error, over }: { error: unknown; over: AbortSignal },
): void {
  const when = over.aborted
    ? 'an agent left behind what failed after its attempt'
    : 'an agent let an error go uncaught'
  ports.log.error({ err: error }, when)
  if (!over.aborted) controller.abort(new RunInterruption('failed', { cause: error }))
}

async function watchTimeout(
  ports: ExecutePorts,
  { run, controller }: Execution,
  over: AbortSignal,
): Promise<void> {
  await ports.clock.sleep(run.timeoutMs, over)
  if (!over.aborted) controller.abort(new RunInterruption('timed_out'))
}

/**
 * Rejects when the agent goes on beyond its grace period after an abort, and never otherwise. What the agent writes
 * after that is fenced. A composite signal, which would end with the attempt, is a third of what an attempt costs.
 */
async function abandonment(
  ports: ExecutePorts,
  { signal, over }: { signal: AbortSignal; over: AbortSignal },
): Promise<never> {
  await aborted(signal)
  await ports.clock.sleep(ports.cancelGraceMs, over)
  if (over.aborted) return new Promise<never>(() => {})
  ports.log.warn({}, 'the agent did not heed its signal and was abandoned')
  throw signal.reason
}
