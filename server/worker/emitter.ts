import type { AnyAgent } from '../agent/agent.ts'
import type { EmitOptions } from '../agent/context.ts'
import { RUNTIME_EVENTS } from '../contract/runtime-events.ts'
import { Visibility } from '../contract/visibility.ts'
import type { Json } from '../contract/json.ts'
import type { EmittedEvent } from '../events/emitted-event.ts'
import type { RunLog } from '../events/run-log.ts'
import type { EventWriter } from '../events/writer.ts'
import { parseSchema } from '../agent/parse-schema.ts'
import type { Clock } from '../ports/clock.ts'
import type { ClaimedRun } from '../ports/attempt.ts'
import type { AttemptStore } from '../ports/store/attempt-store.ts'
import type { Spending } from './budget.ts'
import { storedForm } from './stored-form.ts'
import { createTold } from './told.ts'

export interface EmitterPorts {
  store: Pick<AttemptStore, 'readTold'>
  writer: EventWriter
  clock: Clock
  visibilityOf(type: string, agentEvents?: AnyAgent['events']): Visibility
}

interface EmittingAttempt {
  run: ClaimedRun
  agent: AnyAgent
  runLog: RunLog
  signal: AbortSignal
  spending: Pick<Spending, 'note'>
}

/** Emits one attempt's events, in the order of the calls. */
export function createEmitter(
  ports: EmitterPorts,
  { run, agent, runLog, signal, spending }: EmittingAttempt,
): (type: string, payload: unknown, options?: EmitOptions) => Promise<void> {
  const isTold = createTold(ports.store, run)
  /** Settles when the newest event that needs an asynchronous check is emitted. Later events wait for it. */
  let checking: Promise<void> | undefined

  function write(event: EmittedEvent): Promise<void> {
    try {
      const written = ports.writer.emit(runLog, event)
      spending.note(event.type, event.payload)
      return written
    } catch (error) {
      if (error instanceof RangeError) throw error
      // The payload is not JSON. This finds which part of it.
      storedForm(`The event "${event.type}"`, event.payload)
      throw error
    }
  }

  return (type, payload, { visibility: wanted, once = false } = {}) => {
    // What an agent emits after an abort does not belong to the run.
    if (signal.aborted) return Promise.resolve()
    const visibility = wanted ?? ports.visibilityOf(type, agent.events)
    if (!Visibility.options.includes(visibility)) {
      throw new TypeError(`Agent "${agent.key}" emits "${type}" with the unknown visibility "${visibility}".`)
    }
    const ts = new Date(ports.clock.now()).toISOString()
    const checked = checkPayload(agent, type, payload)
    const told = once && isTold(type, payload as Json)
    if (checking === undefined && told === false && !(checked instanceof Promise)) {
      return write({ type, payload: checked as Json, visibility, ts })
    }
    const written = Promise.allSettled([checking, checked, told]).then(async () => {
      if (await told) return
      await write({ type, payload: (await checked) as Json, visibility, ts })
    })
    checking = written
    void Promise.allSettled([written]).then(() => {
      if (checking === written) checking = undefined
    })
    return written
  }
}

/**
 * An agent's own events are checked against its schemas here; the runtime's, which are hot and typed
 * at compile time, are not.
 */
function checkPayload(agent: AnyAgent, type: string, payload: unknown): unknown {
  const declared = agent.events?.[type]
  if (declared !== undefined) return parseSchema(declared.schema, payload)
  // Only the runtime emits `run.*`: a false `run.succeeded` would end every stream of the run.
  if (Object.hasOwn(RUNTIME_EVENTS, type) && !type.startsWith('run.')) return payload
  throw new TypeError(
    `Agent "${agent.key}" emits "${type}", which is not an event of its own. Add it to the agent's "events".`,
  )
}
