import { currentCallScope, withinCallScope } from '../agent/call-scope.ts'
import type { AgentContext, StepContext, StepOptions } from '../agent/context.ts'
import { JOURNAL } from '../agent/journal.ts'
import { NonRetriableError } from '../agent/non-retriable-error.ts'
import { StepInterruptedError } from '../agent/step-interrupted-error.ts'
import type { Json, Jsonify } from '../contract/json.ts'
import { CALL_NAME, CallName } from '../contract/wait.ts'
import type { AttemptMessages } from '../events/attempt-messages.ts'
import type { ClaimedRun } from '../ports/attempt.ts'
import type { Clock } from '../ports/clock.ts'
import { traced } from '../ports/traced.ts'
import type { Tracer } from '../ports/tracer.ts'
import type { AttemptStore } from '../ports/store/attempt-store.ts'
import type { Inbox } from './inbox.ts'
import { RunInterruption } from './interruption.ts'
import { createOccurrences, keyOf } from './occurrences.ts'
import type { Occurrence } from './occurrences.ts'
import { patiently } from './patiently.ts'
import { isRetriable, retryDelayMs } from './retry.ts'
import type { RetryPolicy } from '../lifecycle/backoff.ts'
import { storedForm } from './stored-form.ts'

/** Ends the name under which it is stored that a step was begun. */
export const BEGUN = '#begun'

export interface StepPorts {
  store: Pick<AttemptStore, 'readSteps' | 'saveStep' | 'renewLeases'>
  clock: Clock
  tracer: Tracer
  leaseTtlMs: number
  retryPolicy: RetryPolicy
  /** A random number from 0 up to, not including, 1. */
  random(): number
}

interface StepRun {
  run: ClaimedRun
  signal: AbortSignal
  messages: AttemptMessages
  inbox: Inbox
  onCompleted(step: { name: string; occurrence: number; durationMs: number }): Promise<void>
}

/** `ctx.step` of one attempt. */
export function createSteps(
  ports: StepPorts,
  { run, signal, messages, inbox, onCompleted }: StepRun,
): AgentContext['step'] {
  const next = createOccurrences()
  let stored: Promise<Map<string, Json | undefined>> | undefined
  /** When the run was last known to be this attempt's. */
  let heldAt = ports.clock.now()

  /** The steps that earlier attempts completed. A first attempt has none to read. */
  function readStored(): Promise<Map<string, Json | undefined>> {
    return (stored ??= run.attempt === 1 ? Promise.resolve(new Map()) : read())
  }

  async function read(): Promise<Map<string, Json | undefined>> {
    const steps = await ports.store.readSteps(run.id)
    for (const { messageIds } of steps) messages.keep(messageIds)
    // Journals are read by those who keep them, and may be large.
    const own = steps.filter(({ name }) => !name.endsWith(JOURNAL))
    return new Map(own.map((step) => [keyOf(step), step.result]))
  }

  /**
   * Asks the database whether the run is still this attempt's, when that was last known half a lease ago. A process
   * that stood still may have lost its lease without knowing, and would repeat what the next attempt did. Leases
   * are renewed at a third of their time, so a healthy process never has to ask.
   */
  async function assertHeld(): Promise<void> {
    const now = ports.clock.now()
    if (now - heldAt < ports.leaseTtlMs / 2) return
    const [held] = await ports.store.renewLeases([run], ports.leaseTtlMs)
    if (held === undefined) throw new RunInterruption('lost')
    heldAt = now
  }

  /** Stores that a step is begun, fenced as its result is: of two processes that hold the run to be theirs, one begins it. */
  async function begin(call: Occurrence, known: ReadonlyMap<string, Json | undefined>): Promise<void> {
    const mark = { ...call, name: `${call.name}${BEGUN}` }
    const begunIn = known.get(keyOf(mark))
    if (typeof begunIn === 'number') {
      const idempotencyKey = `${run.id}/${keyOf(call)}`
      throw new StepInterruptedError(call.name, { attempt: begunIn, idempotencyKey })
    }
    const now = ports.clock.now()
    const step = { ...mark, result: run.attempt, messageIds: [], startedAt: new Date(now).toISOString() }
    const outcome = await patiently(ports.clock, signal, () => ports.store.saveStep(run, step))
    if (outcome === 'fenced') throw new RunInterruption('lost')
    heldAt = now
  }

  return async <T>(
    name: string,
    work: (step: StepContext) => Promise<T> | T,
    options: StepOptions = {},
  ): Promise<Jsonify<T>> => {
    signal.throwIfAborted()
    assertName(name)
    const scope = currentCallScope()
    const call = next(name)
    const key = keyOf(call)
    const known = await readStored()
    // The agent's code is the same in each attempt, so what it stored under this key was a T.
    if (known.has(key)) return known.get(key) as Jsonify<T>

    if (options.atMostOnce === true) await begin(call, known)
    else await assertHeld()
    const startedAt = ports.clock.now()
    const idempotencyKey = `${run.id}/${key}`
    const task = {
      idempotencyKey,
      // A later attempt that finds it done does not come to the calls within it.
      work: (step: StepContext) =>
        messages.within(idempotencyKey, () => withinCallScope(`step ${key}`, async () => work(step))),
      options,
      signal,
    }
    const told = { name, occurrence: call.occurrence }
    const { result: made, messageIds } = await done(ports, inbox, { told, task })
    const savedAt = ports.clock.now()
    const result = made === undefined ? undefined : toResult(name, made)
    const sent = inbox.heldBy(idempotencyKey)
    const step = { ...call, result, messageIds, sent, startedAt: new Date(startedAt).toISOString() }
    // The work is done and must not be repeated because a connection broke.
    const outcome = await patiently(ports.clock, signal, () => ports.store.saveStep(run, step))
    if (outcome === 'fenced') throw new RunInterruption('lost')
    heldAt = savedAt
    inbox.settle(idempotencyKey)
    inbox.note(outcome.sent)
    messages.keep(messageIds)
    // A scope may be run again in this attempt, which then finds the step done.
    if (scope !== undefined) known.set(key, result)
    await onCompleted({ ...told, durationMs: ports.clock.now() - startedAt })
    return result as Jsonify<T>
  }
}

function toResult(name: string, made: unknown): Json {
  return storedForm(`What step "${name}" returned`, made, {
    maxCharacters: MAX_RESULT_CHARACTERS,
    advice: 'It was done: the run fails rather than do it again.',
  })
}

function assertName(name: string): void {
  if (!CallName.safeParse(name).success) throw new NonRetriableError(`The name of a step has ${CALL_NAME}.`)
  const own = [BEGUN, JOURNAL].find((end) => name.endsWith(end))
  if (own !== undefined) throw new NonRetriableError(`The name of a step does not end in "${own}".`)
}

interface Try<T> {
  idempotencyKey: string
  work: (step: StepContext) => Promise<T> | T
  options: StepOptions
  signal: AbortSignal
}

/** What a step that fails has taken of what the run was sent, the next one takes. */
async function done<T>(
  ports: StepPorts,
  inbox: Inbox,
  { told, task }: { told: Pick<Occurrence, 'name' | 'occurrence'>; task: Try<T> },
): Promise<T> {
  try {
    return await traced(ports.tracer, { kind: 'step', ...told }, () => persistently(ports, task))
  } catch (error) {
    inbox.release(task.idempotencyKey)
    throw error
  }
}

async function persistently<T>(ports: StepPorts, task: Try<T>): Promise<T> {
  for (let failures = 1; ; failures += 1) {
    try {
      return await once(ports, task)
    } catch (error) {
      task.signal.throwIfAborted()
      if (failures > (task.options.retries ?? 0) || !isRetriable(error)) throw error
      const delayMs = retryDelayMs({ failures, error, chance: ports.random() }, ports.retryPolicy)
      await ports.clock.sleep(delayMs, task.signal)
      task.signal.throwIfAborted()
    }
  }
}

async function once<T>(ports: StepPorts, { idempotencyKey, work, options, signal }: Try<T>): Promise<T> {
  const over = new AbortController()
  const timeout = new AbortController()
  const run = async () => work({ idempotencyKey, signal: AbortSignal.any([signal, timeout.signal]) })
  try {
    if (options.timeoutMs === undefined) return await run()
    return await Promise.race([run(), timeUp(ports.clock, options.timeoutMs, { over: over.signal, timeout })])
  } finally {
    over.abort('over')
  }
}

/** Rejects when the time is up, and never otherwise. */
async function timeUp(
  clock: Clock,
  timeoutMs: number,
  { over, timeout }: { over: AbortSignal; timeout: AbortController },
): Promise<never> {
  await clock.sleep(timeoutMs, over)
  if (over.aborted) return new Promise<never>(() => {})
  const error = new Error(`The step took longer than ${timeoutMs} ms.`)
  timeout.abort(error)
  throw error
}

/** Far below the size that PostgreSQL refuses. */
const MAX_RESULT_CHARACTERS = 64 * 1024 * 1024
