import type { AgentContext } from '../agent/context.ts'
import type { AnyAgent } from '../agent/agent.ts'
import { letKeepJournals } from '../agent/journal.ts'
import { letAsk } from '../agent/tool-question.ts'
import { lastAssistantMessage } from '../contract/last-assistant-message.ts'
import type { RunLog } from '../events/run-log.ts'
import type { ClaimedRun } from '../ports/attempt.ts'
import type { Files } from '../ports/files.ts'
import type { Logger } from '../ports/logger.ts'
import type { FileStore } from '../ports/store/file-store.ts'
import type { AttemptStore } from '../ports/store/attempt-store.ts'
import type { WaitStore } from '../ports/store/wait-store.ts'
import type { Tracer } from '../ports/tracer.ts'
import type { Spending } from './budget.ts'
import { createChildren } from './children.ts'
import type { ChildPorts } from './children.ts'
import { createAttemptFiles } from './attempt-files.ts'
import { createAttemptMemory } from './attempt-memory.ts'
import type { MemoryPorts } from './attempt-memory.ts'
import { createAttemptModels } from './attempt-models.ts'
import type { ModelPorts } from './attempt-models.ts'
import { createEmitter } from './emitter.ts'
import type { EmitterPorts } from './emitter.ts'
import { withHandledPromises } from './handled-promises.ts'
import { createKnownWaits } from './known-waits.ts'
import { RunInterruption } from './interruption.ts'
import { createOccurrences, keyOf } from './occurrences.ts'
import { createJournals } from './journals.ts'
import type { Inbox } from './inbox.ts'
import { createSteps } from './steps.ts'
import type { StepPorts } from './steps.ts'
import { storedForm } from './stored-form.ts'
import type { Suspension } from './suspension.ts'
import { createTakeMessages } from './take-messages.ts'
import { createWaits } from './waits.ts'

export interface AttemptPorts
  extends
    EmitterPorts,
    ModelPorts,
    Pick<MemoryPorts, 'memoryBounds'>,
    Omit<ChildPorts, 'store'>,
    Pick<StepPorts, 'leaseTtlMs' | 'retryPolicy' | 'random'> {
  store: Pick<
    AttemptStore,
    | 'saveCheckpoint'
    | 'readSteps'
    | 'readStepNames'
    | 'hasProgress'
    | 'forgetProgress'
    | 'saveStep'
    | 'readTold'
    | 'readSpent'
    | 'readWholeHistory'
    | 'renewLeases'
  > &
    Pick<WaitStore, 'readSettledWaits'> &
    Pick<FileStore, 'findFilesOfRun'> &
    MemoryPorts['store'] &
    ChildPorts['store']
  files: Files
  log: Logger
  tracer: Tracer
}

interface Attempt {
  run: ClaimedRun
  agent: AnyAgent
  params: unknown
  runLog: RunLog
  signal: AbortSignal
  suspension: Suspension
  spending: Spending
  inbox: Inbox
  /** Gets the keys of the steps that the agent comes to, where somebody wants to know. */
  reached?: Set<string> | undefined
}

/** Makes the context of one attempt. Events go to the writer, state to the store. */
export function createAttemptContext(ports: AttemptPorts, attempt: Attempt): AgentContext {
  const { run, runLog, signal, spending, inbox } = attempt
  const { messages } = runLog
  let state = run.state
  let llm: AgentContext['llm'] | undefined

  const emit = createEmitter(ports, attempt)
  const files = createAttemptFiles(ports, run.id)
  const readSettled = createKnownWaits(ports.store, run)
  const waits = createWaits(readSettled, attempt)
  const { wait, approve, sleep } = waits
  const { runAgent, startAgent, handOff } = createChildren(ports, { ...attempt, emit, readSettled })

  const stored = createSteps(ports, {
    run,
    signal,
    messages,
    inbox,
    onCompleted: (done) => emit('step.completed', done),
  })
  const step = attempt.reached === undefined ? stored : noting(stored, attempt.reached)
  const memory = createAttemptMemory(ports, { run, signal, step, isInStep: () => messages.isInStep })

  const ctx: AgentContext = {
    runId: run.id,
    conversationId: run.conversationId,
    attempt: run.attempt,
    messages: run.messages,
    lastAssistantMessage: () => lastAssistantMessage(run.messages),
    params: attempt.params,
    metadata: run.metadata,
    preferences: run.preferences,
    principal: run.principal,
    signal,
    // Many agents ask no model.
    get llm() {
      return (llm ??= createAttemptModels(ports, { run, signal, spending, emit, files }))
    },
    modelIdleTimeoutMs: ports.modelIdleTimeoutMs,
    tracer: ports.tracer,
    files,
    memory,
    log: ports.log,
    get state() {
      return state
    },
    get tools() {
      return waits.tools
    },
    get clientTools() {
      return waits.clientTools
    },
    ...withHandledPromises<Begun>({
      emit,
      emitMessage: (content) => emit('assistant.message', { messageId: messages.nextId(), content }),
      emitError: (message, details) =>
        emit('error', { message, ...(details === undefined ? {} : { details }) }),
      step,
      wait,
      approve,
      sleep,
      runAgent,
      startAgent,
      handOff,
      takeMessages: createTakeMessages({ inbox, emit, step }),
      async messageHistory({ includeFailedRuns = false } = {}) {
        signal.throwIfAborted()
        return includeFailedRuns && run.conversationId !== null
          ? ports.store.readWholeHistory(run.id)
          : [...run.messages]
      },
      async checkpoint(next) {
        signal.throwIfAborted()
        const stored = storedForm('A checkpoint', next)
        const outcome = await ports.store.saveCheckpoint(run.id, run.attempt, stored)
        if (outcome === 'fenced') throw new RunInterruption('lost')
        state = stored
        await emit('state.checkpoint', { state: stored })
      },
    }),
  }
  return letKeepJournals(letAsk(ctx, waits.asker), createJournals(ports, { run, signal, messages }))
}

/** Functions whose promises an agent may leave without awaiting them. */
type Begun = Pick<
  AgentContext,
  | 'emit'
  | 'emitMessage'
  | 'emitError'
  | 'step'
  | 'wait'
  | 'approve'
  | 'sleep'
  | 'runAgent'
  | 'startAgent'
  | 'handOff'
  | 'takeMessages'
  | 'messageHistory'
  | 'checkpoint'
>

function noting(step: AgentContext['step'], reached: Set<string>): AgentContext['step'] {
  const next = createOccurrences()
  return (name, ...rest) => {
    reached.add(keyOf(next(name)))
    return step(name, ...rest)
  }
}
