import type { RuntimeEventPayloads } from '../contract/runtime-events.ts'
import type { Visibility } from '../contract/visibility.ts'
import type { Json, JsonLike, JsonObject, Jsonify } from '../contract/json.ts'
import type { AgentMessage } from '../contract/message.ts'
import type { Preferences } from '../contract/create-run.ts'
import type { Principal } from '../contract/principal.ts'
import type { ChildRuns } from './child-run.ts'
import type { AnyTool } from './define-tool.ts'
import type { Llm } from './llm.ts'
import type { OpenMemory } from './memory.ts'
import type { Logger } from '../ports/logger.ts'
import type { Tracer } from '../ports/tracer.ts'
import type { AgentWaits, Wait, ApproveOptions, Approval } from './wait.ts'
import type { AgentFiles } from './agent-files.ts'

export interface StepOptions {
  /** How often the step is tried again within this attempt when it throws. Default: 0. */
  retries?: number
  /** Milliseconds one try may take before its signal aborts and it counts as thrown. Default: no limit. */
  timeoutMs?: number
  /**
   * Stores a mark before the step begins, which costs a commit. A step that an earlier attempt began and did not end is then not
   * repeated: it rejects with a `StepInterruptedError`. Default: false, the step is repeated.
   */
  atMostOnce?: boolean
}

/** What the code of a step is given. */
export interface StepContext {
  /** The same for every try of this step, in all attempts of the run: hand it to services that take one. */
  readonly idempotencyKey: string
  /** Aborts with the run's, and when the try has used up `timeoutMs`. */
  readonly signal: AbortSignal
}

export interface EmitOptions {
  /** Overrides the type's own visibility for this one event. */
  visibility?: Visibility
  /**
   * Emits it unless an earlier attempt of the run did: a `tool.call` or `tool.result` of the same `toolCallId`, an
   * `assistant.message`, `user.message` or `usage` of the same `messageId`. For what is told of a step, which is done once. Default: false.
   */
  once?: boolean
}

/** What agents may emit of the runtime's types: all but how a run and those below it go, which the runtime tells. */
type AgentEventPayloads = Omit<RuntimeEventPayloads, `run.${string}` | `child.${string}`>

/** What a run was sent while it was under way. */
export type ReceivedMessage = Extract<AgentMessage, { role: 'user' }> & { id: string }

/**
 * What an agent's `run` is given.
 *
 * `emit` resolves as soon as the event is buffered, not when it is stored: order is kept, and the
 * run's terminal event is only written after everything before it.
 */
export interface AgentContext<
  TParams = unknown,
  TEvents extends object = Record<never, never>,
  TWaits extends AgentWaits | undefined = undefined,
> extends ChildRuns {
  readonly runId: string
  readonly conversationId: string | null
  /** 1 for the first attempt. */
  readonly attempt: number
  /** The conversation's history, oldest first, then this run's own input. */
  readonly messages: readonly AgentMessage[]
  /**
   * A copy of `messages`; with `includeFailedRuns` read anew, along with what runs before this one were asked and had said that
   * failed, timed out, or were cancelled before they began. Of a long history the newest runs that fit.
   *
   * @example
   * const tried = await ctx.messageHistory({ includeFailedRuns: true })
   */
  messageHistory(options?: { includeFailedRuns?: boolean }): Promise<AgentMessage[]>
  /**
   * Takes the messages that `runs.send` sent since the last call, in that order. Ask the model with them, and return them among the
   * run's messages. `toolLoop` does so before each turn of the model.
   *
   * A call is a step. Within a step of yours, pass that step's context, and return the messages with its result: a stored step is not
   * done again. When a run succeeds, messages that it has not taken go to the conversation's next run.
   *
   * @example
   * const messages = [...ctx.messages, ...(await ctx.takeMessages())]
   */
  takeMessages(step?: StepContext): Promise<ReceivedMessage[]>
  /** What the assistant said last in `messages`; undefined where it said nothing. */
  lastAssistantMessage(): AgentMessage | undefined
  readonly params: TParams
  readonly metadata: JsonObject
  /** What the caller would like: a model, that it thinks, memories. Heed it as you see fit: nothing of it was checked. */
  readonly preferences: Preferences
  readonly principal: Principal
  /** Aborts when the run is cancelled, times out, has used up its budget, or this worker loses it. Hand it on to whatever waits. */
  readonly signal: AbortSignal
  /** The runtime's default model; called with the names of others, these. What each answer took counts towards the run's budget. */
  readonly llm: Llm
  /** Milliseconds a model may be silent (`modelIdleTimeoutSeconds`): `llm` and `toolLoop` give it up then. */
  readonly modelIdleTimeoutMs: number
  /** What the runtime tells its traces to. Spans of your own are made with what you trace with. */
  readonly tracer?: Tracer
  /** Models are given the files of messages by themselves; this is for agents that read them. */
  readonly files: AgentFiles
  /**
   * The agent's `tools`, for the tool loop.
   *
   * @example
   * const reply = await toolLoop(ctx, { tools: ctx.tools })
   */
  readonly tools: readonly AnyTool[]
  /** Those of the agent's `tools` that pages run. */
  readonly clientTools: readonly AnyTool[]
  /**
   * What is remembered beyond this run, by namespace and key: of the principal whose run it is, or of the tenant.
   *
   * @example
   * const preferences = ctx.memory('preferences', { schema: z.object({ color: z.string() }) })
   * await preferences.set('ui', { color: 'red' })
   * const { color = 'blue' } = (await preferences.get('ui')) ?? {}
   */
  readonly memory: OpenMemory
  /** Each line names the run, its agent and the attempt. */
  readonly log: Logger
  /** The newest checkpoint, also one from an attempt that crashed; undefined when there is none. */
  readonly state: Json | undefined
  emit<T extends keyof (AgentEventPayloads & TEvents) & string>(
    type: T,
    payload: (AgentEventPayloads & TEvents)[T],
    options?: EmitOptions,
  ): Promise<void>
  /** Emits `assistant.message`: a message the user always sees. */
  emitMessage(content: string): Promise<void>
  /** Emits `error`: something the user should know of, without ending the run. */
  emitError(message: string, details?: JsonLike): Promise<void>
  /**
   * Does something once: its result is stored, and a later attempt of the run gets that instead of doing
   * it again. Steps are told apart by name and, of one name, by the order in which they are called, within the step or the tool's call they
   * are made in.
   * A step that dies before its result is stored is done again: use `idempotencyKey` where that matters.
   *
   * The result is what JSON makes of it, in this attempt as in later ones: dates are text, `undefined` is left out.
   *
   * @throws NonRetriableError when JSON can't hold the result: the step was done, so the run fails for good.
   * @example
   * const order = await ctx.step('charge', ({ idempotencyKey }) => payments.charge(cart, { idempotencyKey }))
   */
  step<T>(
    name: string,
    run: (step: StepContext) => Promise<T> | T,
    options?: StepOptions,
  ): Promise<Jsonify<T>>
  /**
   * Waits for somebody to answer (`runs.respond`), for days if need be: the attempt ends here, its worker is
   * free, and when the answer is there another attempt begins anew and gets it at this point. So what comes
   * before is done again, but for steps: put into steps what must not be. Waits are told apart as steps are.
   *
   * The answer is checked against the schema when it is given, as far as JSON Schema goes; refinements and
   * transforms are applied here, and one that throws fails the run.
   *
   * An agent that declares its `waits` names one of these, `ctx.wait('address')`; any other gives the schema here.
   *
   * @param options.timeoutMs milliseconds after which the outcome is `{ status: 'timed_out' }`, at most a year.
   * Default: none, the wait does not end by itself.
   * @throws NonRetriableError when the schema has no JSON Schema, or JSON can't hold the details.
   * @example
   * const { value } = await ctx.wait('address', z.object({ street: z.string() }))
   * const outcome = await ctx.wait('confirm', z.boolean(), { timeoutMs: 3_600_000 })
   * if (outcome.status === 'timed_out') return
   */
  readonly wait: Wait<TWaits>
  /**
   * Waits for leave to do exactly this: the answer names the hash of tool and arguments, is good for one
   * call, and for a time. Asked for other arguments, or for the same ones again, it is another question with another hash.
   *
   * @param call.toolCallId told to whoever answers, when a model's tool call is what the leave is for.
   * @param call.interruptedIn told to whoever answers: the attempt that began the call and did not end it, so that the leave is to do it
   * again, perhaps. Of each interruption it is another question.
   * @example
   * const approval = await ctx.approve({ name: 'refund', arguments: { order, amount } })
   * if (approval.approved) await ctx.step('refund', () => refund(order, amount))
   */
  approve(
    call: { name: string; arguments: JsonLike; toolCallId?: string; interruptedIn?: number },
    options?: ApproveOptions,
  ): Promise<Approval>
  /** Goes on after `ms` milliseconds, at most a year, whatever happens to this process. No worker is held. */
  sleep(ms: number): Promise<void>
  /**
   * Saves state durably, replacing the last; resolves when it is stored. `state` then is what JSON makes of it.
   *
   * @throws NonRetriableError when JSON can't hold it, or it is too large.
   */
  checkpoint(state: unknown): Promise<void>
}
