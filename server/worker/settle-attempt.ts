import type { Json } from '../contract/json.ts'
import type { RunError } from '../contract/run.ts'
import type { RunLog } from '../events/run-log.ts'
import { isUsedUp } from '../lifecycle/charges.ts'
import { childStartedPayload } from '../lifecycle/payloads.ts'
import { TRANSITIONS } from '../lifecycle/transitions.ts'
import type { OperationOutcome } from '../ports/tracer.ts'
import type { ClaimedRun } from '../ports/attempt.ts'
import { crashedAlone, failed, interrupted, released, suspended, toRunError } from './ending.ts'
import type { Ending } from './ending.ts'
import { RunInterruption } from './interruption.ts'
import { isRetriable, retryDelayMs } from './retry.ts'
import { Suspension } from './suspension.ts'
import type { ExecutePorts, Execution } from './execution.ts'

export function outcomeOf(written: Ending | 'lost'): OperationOutcome {
  if (written === 'lost') return { error: new RunInterruption('lost') }
  const { payload, ending } = written
  const { error, output } = Object(payload) as { error?: RunError; output?: Json }
  return {
    status: ending.status,
    ...(error === undefined ? {} : { error: Object.assign(new Error(error.message), { code: error.code }) }),
    ...(output === undefined ? {} : { output }),
  }
}

/** @returns what was written: `ending`, or what has to take its place. */
export async function settle(
  ports: ExecutePorts,
  execution: Execution,
  ending: Ending,
  isReplaced = false,
): Promise<Ending | 'lost'> {
  const { run, runLog } = execution
  const outcome = await write(ports, runLog, ending)
  switch (outcome) {
    case 'written':
      return ending
    case 'fenced':
      return 'lost'
    case 'refused':
      return isReplaced ? 'lost' : settle(ports, execution, endFailed(ports, run, runLog.refusal), true)
    case 'cancel-requested':
      // The cancel came between the agent's end and the commit. Its caller was told it would happen, so it wins.
      return settle(ports, execution, interrupted('cancelled', run), true)
  }
}

function write(ports: ExecutePorts, runLog: RunLog, { type, payload, ending, before = [] }: Ending) {
  const ts = new Date(ports.clock.now()).toISOString()
  const toEvent = (told: { type: string; payload: Json }) => ({
    ...told,
    visibility: ports.visibilityOf(told.type),
    ts,
  })
  return ports.writer.end(runLog, [...before.map(toEvent), toEvent({ type, payload })], ending)
}

export function endFailed(ports: ExecutePorts, run: ClaimedRun, error: unknown): Ending {
  const failures = run.failures + 1
  if (isUsedUp(failures, run.maxAttempts) || !isRetriable(error)) {
    ports.log.error({ err: error }, 'the agent failed')
    return failed(toRunError(error))
  }
  const delayMs = retryDelayMs({ failures, error, chance: ports.random() }, ports.retryPolicy)
  ports.log.warn({ err: error, delayMs }, 'the agent failed and is tried again')
  return released(run, { error: toRunError(error), delayMs, failures: 1 })
}

export function endInterrupted(
  ports: ExecutePorts,
  { run, suspension }: Execution & { suspension: Suspension },
  reason: unknown,
): Ending | undefined {
  if (!(reason instanceof RunInterruption)) return undefined
  switch (reason.kind) {
    case 'lost':
      return undefined
    case 'crashed_alone':
      return crashedAlone(run)
    case 'failed':
      return endFailed(ports, run, reason.cause)
    case 'over_budget':
      return failed(reason.cause as RunError)
    case 'waiting': {
      const type = TRANSITIONS.suspended.event
      const payloads = suspension.payloads()
      const started = suspension.children.map((child) => ({
        type: 'child.started',
        payload: childStartedPayload(child),
      }))
      const asked = payloads.slice(0, -1).map((payload) => ({ type, payload }))
      const ending = suspended(run, { waits: suspension.waits, payload: payloads.at(-1) ?? null })
      // A child is told of with its creation: an attempt that dies in between has none.
      return { ...ending, before: [...started, ...asked] }
    }
    default:
      return interrupted(reason.kind, run)
  }
}
