import { AsyncLocalStorage } from 'node:async_hooks'
import type { AgentContext } from '../../agent/context.ts'
import type { AgentResult, AnyAgent } from '../../agent/agent.ts'
import { NonRetriableError } from '../../agent/non-retriable-error.ts'
import { AgentRuntimeError } from '../../contract/agent-runtime-error.ts'
import type { Json } from '../../contract/json.ts'
import type { Model } from '../../ports/model.ts'
import type { AgentProcess } from './agent-process.ts'
import { stderrLogger } from './process-log.ts'
import { ProtocolError } from './protocol.ts'
import type { MessageOf, RunMessage, StartedRun, UnknownRequest } from './protocol.ts'
import { RunRequests } from './run-requests.ts'
import { fromWireMessages, toWireMessage } from './wire-messages.ts'

interface RunOptions {
  /** The agent's name in the program. */
  agent: string
  declaresWaits: boolean
  /** The agent's own, in place of the runtime's. */
  model: Model | undefined
  /** Those that the process may run. */
  agents: readonly AnyAgent[]
  /** Milliseconds in which the process has to let a run go that is cancelled, or waits. */
  cancelGraceMs: number
}

/** Has a process execute an attempt. It can be given another run afterwards, unless it is not usable any more. */
export async function runInProcess(
  ctx: AgentContext,
  process: AgentProcess,
  { agent, cancelGraceMs, ...options }: RunOptions,
): Promise<AgentResult<Json>> {
  assertHas(process, agent)
  const run = process.runs
  const requests = new RunRequests(ctx, { ...options, run, send: (message) => process.send(message) })
  const ended = Promise.withResolvers<AgentResult<Json>>()
  /** The process has let go of the run, whatever it says of it, or is over. */
  const letGo = Promise.withResolvers<void>()
  let isHeld = true

  function release(): void {
    isHeld = false
    letGo.resolve()
  }

  async function take(message: RunMessage | UnknownRequest): Promise<void> {
    // A thread that an earlier run left behind may still talk.
    if (message.run !== run) return
    try {
      if (message.type === 'end') ended.resolve(resultOf(message))
      else if (message.type === 'error') ended.reject(errorOf(message, requests))
      else if (!ctx.signal.aborted) return await requests.take(message)
    } catch (error) {
      if (error instanceof ProtocolError) process.break(error.message, error.cause)
      else ended.reject(error)
    }
    if (message.type === 'end' || message.type === 'error') release()
  }

  /** The process is another run's only when it has let go of this one. */
  async function leave(): Promise<void> {
    requests.leaveSteps(ctx.signal.reason ?? new Error('The run is over.'))
    if (isHeld && process.isUsable) {
      void process.send({
        type: 'cancel',
        run,
        reason: ctx.signal.aborted ? kindOf(ctx.signal.reason) : 'failed',
      })
      const timer = setTimeout(() => {
        ctx.log.warn({ pid: process.pid }, "the agent's process did not let go of its run and is ended")
        void process.stop({ isHurried: true })
        letGo.resolve()
      }, cancelGraceMs)
      await letGo.promise
      clearTimeout(timer)
    }
    process.listen(undefined)
  }

  const abort = () => ended.reject(ctx.signal.reason)
  const forget = process.whenOver((why) => {
    ended.reject(why)
    release()
  })
  const within = AsyncLocalStorage.snapshot()
  process.listen((message) => within(() => take(message)))
  process.logTo(stderrLogger(ctx.log))
  ctx.signal.addEventListener('abort', abort, { once: true })
  try {
    void process.send({ type: 'start', run, ...startOf(ctx, agent) })
    return await ended.promise
  } finally {
    ctx.signal.removeEventListener('abort', abort)
    await leave()
    forget()
  }
}

function assertHas({ agents }: AgentProcess, agent: string): void {
  if (agents === undefined || agents.includes(agent)) return
  throw new NonRetriableError(`The agent's program has no agent "${agent}". It has: ${agents.join(', ')}.`)
}

function startOf(ctx: AgentContext, agent: string): StartedRun {
  const { id, tenantId, kind } = ctx.principal
  return {
    agent,
    run_id: ctx.runId,
    conversation_id: ctx.conversationId,
    attempt: ctx.attempt,
    messages: ctx.messages.map(toWireMessage),
    params: (ctx.params ?? null) as Json,
    metadata: ctx.metadata,
    preferences: ctx.preferences,
    principal: { id, tenant_id: tenantId, kind },
    state: ctx.state ?? null,
  }
}

function resultOf({ output, messages }: MessageOf<'end'>): AgentResult<Json> {
  return { ...(output !== undefined && { output }), messages: fromWireMessages(messages) }
}

/** What a process failed by: the very error of a request, where it was that. */
function errorOf(message: MessageOf<'error'>, requests: RunRequests): unknown {
  const known = requests.failureOf(message.cause)
  if (known !== undefined) return known
  const cause = message.stack === undefined ? undefined : new Error(message.stack)
  if (message.code !== undefined) {
    const { details } = message
    return new AgentRuntimeError(message.code, message.message, {
      cause,
      ...(details !== undefined && { details }),
    })
  }
  if (!message.retriable) return new NonRetriableError(message.message, { cause })
  return new Error(message.message, { cause })
}

const kindOf = (reason: unknown): string => {
  const kind = (reason as { kind?: unknown } | undefined)?.kind
  return typeof kind === 'string' ? kind : 'cancelled'
}
