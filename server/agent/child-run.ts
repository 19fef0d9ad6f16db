import type { ParamsField } from '../contract/agent-types.ts'
import type { Json, JsonObject } from '../contract/json.ts'
import type { AgentMessage } from '../contract/message.ts'
import type { Budget, Usage } from '../contract/budget.ts'
import type { RunError } from '../contract/run.ts'
import type { TerminalStatus } from '../contract/terminal.ts'
import type { AnyAgent, ShapeOfAgent } from './agent.ts'

interface ChildOptions {
  /** What goes in; a text is one message of the user. Default: none. */
  messages?: string | readonly AgentMessage[]
  /**
   * Tells calls apart that may come in another order in a later attempt. Default: the agent's key; calls of one name are told apart by their
   * order. 1 to 150 characters.
   */
  name?: string
  /** Default: `{}`. */
  metadata?: JsonObject
  /** The least of this, the agent's, and what is left of this run's holds. */
  budget?: Budget
  /** Milliseconds of execution. Default: the agent's, else the configuration's. */
  timeoutMs?: number
  /** Default: the agent's, else the configuration's. */
  maxAttempts?: number
}

/** Of an agent whose types are not known they are any JSON. */
type ParamsOf<TAgent extends AnyAgent> = AnyAgent extends TAgent
  ? { readonly params?: Json }
  : ParamsField<ShapeOfAgent<TAgent>['params']>

/** How a run of another agent is started. `params` are those of its schema. */
export type RunAgentOptions<TAgent extends AnyAgent> = ChildOptions & ParamsOf<TAgent>

/** How a detached run is started. */
export type StartAgentOptions<TAgent extends AnyAgent> = RunAgentOptions<TAgent> & {
  /**
   * `continue`: when both runs are over, and the end was told nobody, the conversation's next run is one of this agent, and begins with
   * a message that tells how the other ended (`EndedRun`). One that was cancelled tells nothing. Default: an end that comes later tells nobody.
   */
  onEnd?: 'continue'
}

/** The options, which can be left out where the agent needs no `params`. */
export type RunAgentRest<TAgent extends AnyAgent> =
  object extends ParamsOf<TAgent> ? [options?: RunAgentOptions<TAgent>] : [options: RunAgentOptions<TAgent>]

type StartAgentRest<TAgent extends AnyAgent> =
  object extends ParamsOf<TAgent>
    ? [options?: StartAgentOptions<TAgent>]
    : [options: StartAgentOptions<TAgent>]

/** What came of a run that succeeded. */
export interface ChildResult<TAgent extends AnyAgent> {
  readonly runId: string
  /** As the client's `run.result()`. */
  readonly output: AnyAgent extends TAgent ? Json : ShapeOfAgent<TAgent>['output']
  /** What it said last; `''` where it said nothing. */
  readonly text: string
  /** What its models took, and those of all runs below it. Null where nothing was asked. */
  readonly usage: Usage | null
}

/** A run that goes on by itself. */
export interface StartedRun<TAgent extends AnyAgent> {
  readonly runId: string
  /**
   * Waits for its end, as `runAgent` does.
   *
   * @throws ChildRunError when it did not succeed.
   */
  result(): Promise<ChildResult<TAgent>>
}

/** `ctx.runAgent`, `ctx.startAgent` and `ctx.handOff`. */
export interface ChildRuns {
  /**
   * Has another agent do something and waits for it: it is a run of its own, with a stream of its own, of the same owner. This attempt ends
   * and holds no worker meanwhile; with the result another attempt begins anew and gets it at this point, as with `ctx.wait`. So put into
   * steps what must not be done twice. Several at once (`Promise.all`) go on at once. When this run ends in any way, those that it
   * waits for are cancelled.
   *
   * @throws ChildRunError when it failed, was cancelled or timed out.
   * @throws AgentRuntimeError `validation_failed` when the agent does not take the params; `conflict` when too many runs are above it
   * (`maxRunDepth`), this run has started too many (`maxChildRuns`), or too many were started below the one at the top (`maxRunsBelow`).
   * @example
   * const { output } = await ctx.runAgent(research, { params: { topic: 'tides' } })
   */
  runAgent<TAgent extends AnyAgent>(
    agent: TAgent,
    ...rest: RunAgentRest<TAgent>
  ): Promise<ChildResult<TAgent>>
  /**
   * The same without waiting: this attempt goes on, and the other run does too when this one is over. It resolves when that is stored, once for
   * each call.
   *
   * @throws AgentRuntimeError as `runAgent`; and `conflict` where `onEnd` is given and this run is in no conversation.
   * @example
   * const { runId } = await ctx.startAgent(indexing, { params: { folder }, onEnd: 'continue' })
   */
  startAgent<TAgent extends AnyAgent>(
    agent: TAgent,
    ...rest: StartAgentRest<TAgent>
  ): Promise<StartedRun<TAgent>>
  /**
   * Hands the conversation on: its next run is one of another agent, which has the history, and what this run answers with. It is stored when this
   * resolves, once for each call, and begins when this run is over, in whatever way. `ctx.metadata.handoff` tells it of this run:
   * `{ runId, agentKey, depth }`.
   *
   * @throws AgentRuntimeError `conflict` where the run is in no conversation, or runs have handed on too often (`maxRunDepth`).
   * @example
   * await ctx.handOff(billing)
   * return { messages: [{ role: 'assistant', content: 'I hand you on to billing.' }] }
   */
  handOff<TAgent extends AnyAgent>(agent: TAgent, ...rest: RunAgentRest<TAgent>): Promise<{ runId: string }>
}

/**
 * A run that another one has started did not succeed. `runError` is its error, null of one that was cancelled. An agent that lets it through fails
 * with the code `child_failed`, and is not tried again: the other run is over.
 *
 * @example
 * try { await ctx.runAgent(research) }
 * catch (error) { if (error instanceof ChildRunError && error.status === 'timed_out') … }
 */
export class ChildRunError extends Error {
  override readonly name = 'ChildRunError'
  readonly runId: string
  readonly agentKey: string
  readonly status: Exclude<TerminalStatus, 'succeeded'>
  readonly runError: RunError | null

  constructor(child: {
    runId: string
    agentKey: string
    status: Exclude<TerminalStatus, 'succeeded'>
    error: RunError | null
  }) {
    const how = { failed: 'failed', cancelled: 'was cancelled', timed_out: 'timed out' }[child.status]
    super(
      `The run of agent "${child.agentKey}" ${how}${child.error === null ? '.' : `: ${child.error.message}`}`,
    )
    this.runId = child.runId
    this.agentKey = child.agentKey
    this.status = child.status
    this.runError = child.error
  }
}
