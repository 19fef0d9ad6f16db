import type { RuntimeEventPayloads, Visibility } from '../contract/event.ts'
import type { Json, JsonObject } from '../contract/json.ts'
import type { Message } from '../contract/message.ts'
import type { Principal } from '../contract/principal.ts'
import type { Model } from '../llm/model.ts'
import type { Logger } from '../ports.ts'

export interface StepOptions {
  /** How often the step is tried again within this attempt when it throws. Default: 0. */
  retries?: number
  /** Milliseconds one try may take before its signal aborts and it counts as thrown. Default: no limit. */
  timeoutMs?: number
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
}

/** What agents may emit of the runtime's types: all but how a run goes, which the runtime tells. */
type AgentEventPayloads = Omit<RuntimeEventPayloads, `run.${string}`>

/**
 * What an agent's `run` is given.
 *
 * `emit` resolves as soon as the event is buffered, not when it is stored: order is kept, and the
 * run's terminal event is only written after everything before it.
 */
export interface AgentContext<TParams = unknown, TEvents extends object = Record<never, never>> {
  readonly runId: string
  readonly conversationId: string | null
  /** 1 for the first attempt. */
  readonly attempt: number
  /** The conversation's history, oldest first, then this run's own input. */
  readonly messages: readonly Message[]
  readonly params: TParams
  readonly metadata: JsonObject
  readonly principal: Principal
  /** Aborts when the run is cancelled, times out, or this worker loses it. Hand it on to whatever waits. */
  readonly signal: AbortSignal
  /** The runtime's default model. */
  readonly llm: Model
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
  emitError(message: string, details?: Json): Promise<void>
  /**
   * Does something once: its result is stored, and a later attempt of the run gets that instead of doing
   * it again. Steps are told apart by name and, of one name, by the order in which they are called.
   * A step that dies before its result is stored is done again: use `idempotencyKey` where that matters.
   *
   * @throws TypeError when the result is not JSON.
   * @example
   * const order = await ctx.step('charge', ({ idempotencyKey }) => payments.charge(cart, { idempotencyKey }))
   */
  step<T extends Json | void>(
    name: string,
    run: (step: StepContext) => Promise<T> | T,
    options?: StepOptions,
  ): Promise<T>
  /** Saves state durably, replacing the last; resolves when it is stored. */
  checkpoint(state: Json): Promise<void>
}
