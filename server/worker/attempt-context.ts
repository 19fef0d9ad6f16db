import type { AgentContext } from '../agent/context.ts'
import type { AnyAgent } from '../agent/define-agent.ts'
import { RUNTIME_EVENTS, Visibility } from '../contract/event.ts'
import type { Json } from '../contract/json.ts'
import type { RunLog } from '../events/run-log.ts'
import type { EventWriter } from '../events/writer.ts'
import type { Model } from '../llm/model.ts'
import type { ClaimedRun } from '../ports/attempt.ts'
import type { Clock } from '../ports/clock.ts'
import type { Logger } from '../ports/logger.ts'
import type { Store } from '../ports/store.ts'
import { withHandledPromises } from './handled-promises.ts'
import { RunInterruption } from './interruption.ts'
import { createSteps } from './steps.ts'
import type { StepPorts } from './steps.ts'
import type { Suspension } from './suspension.ts'
import { createWaits } from './waits.ts'

export interface AttemptPorts extends Pick<StepPorts, 'leaseTtlMs' | 'retryPolicy' | 'random'> {
  store: Pick<Store, 'saveCheckpoint' | 'readSteps' | 'saveStep' | 'renewLeases' | 'readSettledWaits'>
  writer: EventWriter
  clock: Clock
  log: Logger
  llm: Model
  visibilityOf(type: string, agentEvents?: AnyAgent['events']): Visibility
}

interface Attempt {
  run: ClaimedRun
  agent: AnyAgent
  params: unknown
  runLog: RunLog
  signal: AbortSignal
  suspension: Suspension
}

/** What the agent of one attempt is given: its events go to the writer, its state to the store. */
export function createAttemptContext(ports: AttemptPorts, attempt: Attempt): AgentContext {
  const { run, agent, runLog, signal } = attempt
  let messages = 0
  let state = run.state

  function emit(type: string, payload: unknown, wanted?: Visibility): Promise<void> {
    // After an abort nothing an agent still emits is part of the run.
    if (signal.aborted) return Promise.resolve()
    const visibility = wanted ?? ports.visibilityOf(type, agent.events)
    if (!Visibility.options.includes(visibility)) {
      throw new TypeError(`Agent "${agent.key}" emits "${type}" with the unknown visibility "${visibility}".`)
    }
    return ports.writer.emit(runLog, {
      type,
      payload: checkPayload(agent, type, payload),
      visibility,
      ts: new Date(ports.clock.now()).toISOString(),
    })
  }

  return {
    runId: run.id,
    conversationId: run.conversationId,
    attempt: run.attempt,
    messages: run.messages,
    params: attempt.params,
    metadata: run.metadata,
    principal: run.principal,
    signal,
    llm: ports.llm,
    log: ports.log,
    get state() {
      return state
    },
    ...withHandledPromises<Begun>({
      emit: (type, payload, options) => emit(type, payload, options?.visibility),
      emitMessage: (content) => {
        messages += 1
        return emit('assistant.message', {
          messageId: `${run.id}:${run.attempt}:emitted-${messages}`,
          content,
        })
      },
      emitError: (message, details) =>
        emit('error', { message, ...(details === undefined ? {} : { details }) }),
      step: createSteps(ports, { run, signal, onCompleted: (step) => emit('step.completed', step) }),
      ...createWaits(ports, attempt),
      async checkpoint(next) {
        signal.throwIfAborted()
        const outcome = await ports.store.saveCheckpoint(run.id, run.attempt, next)
        if (outcome === 'fenced') throw new RunInterruption('lost')
        state = next
        await emit('state.checkpoint', { state: next })
      },
    }),
  }
}

/** What takes time: an agent may begin it and not await it. */
type Begun = Pick<
  AgentContext,
  'emit' | 'emitMessage' | 'emitError' | 'step' | 'wait' | 'approve' | 'sleep' | 'checkpoint'
>

/**
 * An agent's own events are checked against its schemas here; the runtime's, which are hot and typed
 * at compile time, are not.
 */
function checkPayload(agent: AnyAgent, type: string, payload: unknown): Json {
  const declared = agent.events?.[type]
  if (declared !== undefined) return declared.schema.parse(payload) as Json
  // How a run goes is for the runtime to tell: an end that is none would end every stream of it.
  if (Object.hasOwn(RUNTIME_EVENTS, type) && !type.startsWith('run.')) return payload as Json
  throw new TypeError(
    `Agent "${agent.key}" emits "${type}", which is not an event of its own. Add it to the agent's "events".`,
  )
}
