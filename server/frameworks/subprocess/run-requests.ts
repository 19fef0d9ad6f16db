import { AsyncLocalStorage } from 'node:async_hooks'
import type { AgentContext } from '../../agent/context.ts'
import type { AgentWaits, WaitOptions } from '../../agent/wait.ts'
import { ChildRunError } from '../../agent/child-run.ts'
import type { AnyAgent } from '../../agent/agent.ts'
import { NonRetriableError } from '../../agent/non-retriable-error.ts'
import { StepInterruptedError } from '../../agent/step-interrupted-error.ts'
import { AgentRuntimeError } from '../../contract/agent-runtime-error.ts'
import type { Json, JsonObject } from '../../contract/json.ts'
import { ModelError } from '../../ports/model.ts'
import type { Model } from '../../ports/model.ts'
import { readError } from '../../ports/read-error.ts'
import { answerModel } from './answer-model.ts'
import { createTeller } from './emitted-event.ts'
import { messageLogger } from './process-log.ts'
import { MAX_OPEN_REQUESTS, ProtocolError } from './protocol.ts'
import type { MessageOf, RunMessage, RuntimeMessage, UnknownRequest } from './protocol.ts'
import { runChild } from './run-child.ts'
import { readJsonSchema } from './read-json-schema.ts'
import { NoMessagesError, toWireMessage } from './wire-messages.ts'

/** What is said while a run goes on. */
export type Said = Exclude<RunMessage, { type: 'end' | 'error' }> | UnknownRequest

type Request = Exclude<Said, { type: 'emit' | 'log' | 'step.end' | 'step.error' }>

class UnsupportedError extends NonRetriableError {}

interface OpenStep {
  ended: PromiseWithResolvers<Json>
  /** Does something as part of the step: what is told there stays when a later attempt gets the stored result. */
  within: <T>(work: () => T) => T
}

type Send = (message: RuntimeMessage) => Promise<void>

interface RequestOptions {
  /** The run's number in its process. */
  run: number
  send: Send
  /** Whether the agent says what it waits for; otherwise each wait has to. */
  declaresWaits: boolean
  /** The agent's own, in place of the runtime's. */
  model: Model | undefined
  /** Those that the process may run. */
  agents: readonly AnyAgent[]
}

/** Errors of requests that are kept, for a process that fails by one of them. */
const KEPT_FAILURES = 100

/** Does what the process of a run asks for. */
export class RunRequests {
  readonly #ctx: AgentContext
  readonly #run: number
  readonly #send: Send
  readonly #declaresWaits: boolean
  readonly #model: Model | undefined
  readonly #agents: readonly AnyAgent[]
  readonly #tell: ReturnType<typeof createTeller>
  readonly #log: ReturnType<typeof messageLogger>
  readonly #open = new Set<number>()
  /** Answers that wait for the process to read. */
  #unwritten = 0
  readonly #steps = new Map<number, OpenStep>()
  readonly #failures = new Map<number, unknown>()

  constructor(ctx: AgentContext, { run, send, declaresWaits, model, agents }: RequestOptions) {
    this.#ctx = ctx
    this.#run = run
    this.#send = send
    this.#declaresWaits = declaresWaits
    this.#model = model
    this.#agents = agents
    this.#tell = createTeller(ctx)
    this.#log = messageLogger(ctx.log)
  }

  /** The error that the request was answered with. */
  failureOf(id: number | undefined): unknown {
    return id === undefined ? undefined : this.#failures.get(id)
  }

  /** No step that is open is ended by its process any more. */
  leaveSteps(reason: unknown): void {
    for (const { ended } of this.#steps.values()) ended.reject(reason)
  }

  /**
   * @returns what the next message has to wait for, if anything.
   * @throws ProtocolError; rejects with what the agent may not tell.
   */
  take(message: Said): Promise<void> | void {
    switch (message.type) {
      case 'emit':
        return this.#withinStep(message.step, () => this.#tell(message))
      case 'log':
        return this.#log(message)
      case 'step.end':
        return this.#stepOf(message.id).ended.resolve(message.result)
      case 'step.error':
        return this.#stepOf(message.id).ended.reject(new Error(message.message))
      default:
        return this.#answer(message)
    }
  }

  #answer(request: Request): void {
    const { id } = request
    if (this.#open.has(id))
      throw new ProtocolError(`a request with the number ${id}, which is not answered yet`)
    if (this.#open.size >= MAX_OPEN_REQUESTS) {
      throw new ProtocolError(`more than ${MAX_OPEN_REQUESTS} requests that are not answered yet`)
    }
    // A process may have read answers that are not known to be written: those that are written in one piece with others, which are
    // at most as many as may be open.
    if (this.#open.size + this.#unwritten >= 2 * MAX_OPEN_REQUESTS) {
      throw new ProtocolError(`more than ${MAX_OPEN_REQUESTS} requests whose answers it did not read`)
    }
    this.#open.add(id)
    const step = request.type === 'unknown' ? undefined : request.step
    // What comes first does: two steps of a name are told apart by the order of these.
    const done = this.#withinStep(step, async () => this.#do(request))
    void done.then(
      (result) => this.#end(id, { type: 'result', run: this.#run, id, result: result ?? null }),
      (error: unknown) => {
        this.#failures.set(id, error)
        if (this.#failures.size > KEPT_FAILURES)
          this.#failures.delete([...this.#failures.keys()][0] as number)
        this.#end(id, { type: 'error', run: this.#run, id, ...describe(error) })
      },
    )
  }

  #end(id: number, answer: RuntimeMessage): void {
    // The process may use the number again as soon as it has read the answer, which may be before the writing is known to be over.
    this.#open.delete(id)
    this.#steps.delete(id)
    this.#unwritten += 1
    void this.#send(answer).then(() => void (this.#unwritten -= 1))
  }

  #do(request: Request): Promise<Json | void> {
    const ctx = this.#ctx
    const { id, run } = request
    switch (request.type) {
      case 'model':
        return answerModel(ctx, request, {
          own: this.#model,
          send: (delta) => this.#send({ type: 'model.delta', run, id, ...delta }),
        })
      case 'step.begin':
        return this.#step(request)
      case 'checkpoint':
        return ctx.checkpoint(request.state)
      case 'wait':
        return wait(ctx, request, this.#declaresWaits)
      case 'approve':
        return approve(ctx, request)
      case 'sleep':
        return ctx.sleep(request.ms)
      case 'child_run':
        return runChild(ctx, request, this.#agents)
      case 'history':
        return history(ctx, request)
      case 'unknown':
        throw new UnsupportedError(`This runtime can't do what "${request.name}" asks for.`)
    }
  }

  #step({ id, run, name, at_most_once: atMostOnce }: MessageOf<'step.begin'>): Promise<Json> {
    const options = atMostOnce === undefined ? {} : { atMostOnce }
    return this.#ctx.step(
      name,
      ({ idempotencyKey }) => {
        const ended = Promise.withResolvers<Json>()
        // Nobody waits for it any more when the attempt is over.
        ended.promise.catch(() => {})
        this.#steps.set(id, { ended, within: AsyncLocalStorage.snapshot() })
        void this.#send({ type: 'step.begun', run, id, idempotency_key: idempotencyKey })
        return ended.promise
      },
      options,
    )
  }

  #stepOf(id: number): OpenStep {
    const step = this.#steps.get(id)
    if (step === undefined) throw new ProtocolError(`the end of a step that is not begun, number ${id}`)
    return step
  }

  #withinStep<T>(id: number | undefined, work: () => T): T {
    const step = id === undefined ? undefined : this.#steps.get(id)
    return step === undefined ? work() : step.within(work)
  }
}

async function wait(ctx: AgentContext, request: MessageOf<'wait'>, isDeclared: boolean): Promise<Json> {
  const { name, schema = {}, details, timeout_ms: timeoutMs } = request
  // Without a time it takes the same way as with one, and its outcome is never `timed_out`.
  const options = {
    ...(details !== undefined && { details }),
    ...(timeoutMs !== undefined && { timeoutMs }),
  } as WaitOptions & { timeoutMs: number }
  const outcome = await (isDeclared
    ? (ctx as unknown as AgentContext<unknown, object, AgentWaits>).wait(name, options)
    : ctx.wait(name, readJsonSchema(`the wait "${name}"`, schema), options))
  if (outcome.status === 'timed_out') return { status: 'timed_out' }
  return { status: 'answered', value: outcome.value as Json, responded_by: outcome.respondedBy }
}

async function approve(ctx: AgentContext, request: MessageOf<'approve'>): Promise<JsonObject> {
  const { name, arguments: args, tool_call_id: toolCallId, details, timeout_ms: timeoutMs } = request
  const approval = await ctx.approve(
    { name, arguments: args, ...(toolCallId !== undefined && { toolCallId }) },
    { ...(details !== undefined && { details }), ...(timeoutMs !== undefined && { timeoutMs }) },
  )
  const { approved, comment } = approval
  return {
    approved,
    comment,
    ...(approval.approved ? {} : { reason: approval.reason }),
    ...('respondedBy' in approval ? { responded_by: approval.respondedBy } : {}),
  }
}

async function history(ctx: AgentContext, request: MessageOf<'history'>): Promise<Json> {
  const messages = await ctx.messageHistory({ includeFailedRuns: request.include_failed_runs })
  return messages.map(toWireMessage) as Json
}

function describe(error: unknown) {
  const { message } = readError(error)
  if (error instanceof ModelError) {
    return { message, code: 'model_error', reason: error.code, retriable: error.retriable }
  }
  if (error instanceof NoMessagesError) {
    return { message: `${message} ${error.problems}.`, code: error.code, retriable: false }
  }
  if (error instanceof AgentRuntimeError) {
    return { message, code: error.code, retriable: error.status >= 500 }
  }
  if (error instanceof ChildRunError) {
    return { message, code: 'child_failed', reason: error.status, retriable: false }
  }
  if (error instanceof UnsupportedError) return { message, code: 'unsupported', retriable: false }
  if (error instanceof StepInterruptedError) return { message, code: 'step_interrupted', retriable: false }
  return { message, code: 'agent_error', retriable: !(error instanceof NonRetriableError) }
}
