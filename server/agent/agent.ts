import { z } from 'zod'
import type { AgentShape } from '../contract/agent-shape.ts'
import type { Visibility } from '../contract/visibility.ts'
import { ConversationPolicy } from '../contract/create-run.ts'
import type { Budget } from '../contract/budget.ts'
import type { Json, JsonLike, Jsonify } from '../contract/json.ts'
import type { AgentMessage } from '../contract/message.ts'
import type { Schema } from '../contract/schema.ts'
import type { ToolShapes } from './client-tools.ts'
import type { AgentTools, CallShapes } from './declared-tools.ts'
import type { AgentContext } from './context.ts'
import type { AgentWaits } from './wait.ts'
import type { AnySchedule, Schedule } from './schedule.ts'

/** An agent's own event types: payload schema and, `user` by default, who sees it. */
export type AgentEvents = Record<string, { schema: Schema; visibility?: Visibility }>

/** What an agent emits. */
type EventInputs<TEvents extends AgentEvents> = {
  [T in keyof TEvents]: z.input<TEvents[T]['schema']>
}

/** What its readers get. */
export type EventPayloads<TEvents extends AgentEvents> = {
  [T in keyof TEvents]: Jsonify<z.output<TEvents[T]['schema']>>
}

/** What `run` returns. All of it is optional; without an `output` schema any JSON is accepted. */
export interface AgentResult<TOutput> {
  output?: TOutput
  /** Messages the run adds to the conversation: the assistant's answer, tool calls and results. */
  messages?: readonly AgentMessage[]
}

type ResultOf<TOutput extends Schema | undefined> = TOutput extends Schema
  ? AgentResult<z.input<TOutput>> & { output: z.input<TOutput> }
  : AgentResult<JsonLike> | void

type ParamsOf<TParams extends Schema | undefined> = TParams extends Schema
  ? z.output<TParams>
  : Json | undefined

/** An agent, as declared. Make one with {@link defineAgent}. */
export interface Agent<
  TKey extends string,
  TParams extends Schema | undefined,
  TOutput extends Schema | undefined,
  TEvents extends AgentEvents,
  TWaits extends AgentWaits | undefined = undefined,
  TTools extends AgentTools = Record<never, never>,
> {
  /** Names the agent in the API and its queue: 1 to 100 letters, digits, `_`, `-` or `.`. */
  readonly key: TKey
  /** One sentence for people who choose an agent from a list. */
  readonly description?: string
  readonly params?: TParams
  readonly output?: TOutput
  readonly events?: TEvents
  /**
   * The waits of its runs: the schema of the answer, by name. `ctx.wait` takes only these names, and clients know names and answers
   * by type. Default: none are declared. `ctx.wait` then takes a schema each time, and clients see answers as any JSON.
   *
   * @example
   * waits: { address: z.object({ street: z.string() }) }
   */
  readonly waits?: TWaits
  /**
   * Tools by their names: those that pages run (`useAgentRun({ tools })`), and tools made with `defineTool`. The tool loop takes them as
   * `ctx.tools`, and clients know the arguments and results of their calls by type. Default: none are declared.
   *
   * @example
   * tools: {
   *   pick_color: { description: 'Has the user pick a color', input: z.object({}), output: z.string() },
   *   get_weather: getWeather,
   * }
   */
  readonly tools?: TTools
  /** Attempts before a run fails for good. Default: `maxAttempts` of the configuration. */
  readonly maxAttempts?: number
  /** Milliseconds of execution before a run times out. Default: `runTimeoutSeconds` of the configuration. */
  readonly timeoutMs?: number
  /**
   * How much a run may use, over all its attempts. Beyond it the run fails with the code `budget_exceeded`. Default: no limit.
   * Callers may ask for less, and for more where `limits` says so.
   *
   * @example
   * budget: { tokens: 50_000, toolCalls: 20 }
   */
  readonly budget?: Budget
  /**
   * `process`: each run is executed in a process of its own, which costs about a second to start: for code that is
   * heavy, may crash, or is not trusted with other runs' memory. Workers started by the command line heed it; in a
   * process of yours it is not heeded, with a warning. Default: many runs share a process.
   */
  readonly isolation?: 'process'
  /** What happens to a run in a conversation that has one under way. Default: `queue`, it waits its turn. */
  readonly conversationPolicy?: ConversationPolicy
  /**
   * The version of the agent's code. A run remembers the version that it began with. Change it when steps or waits change. 1 to 100
   * characters. Default: none, and any code goes on with what earlier code left.
   */
  readonly version?: string
  /**
   * How to treat a run that has steps, waits or a checkpoint of another version. `continue` goes on with them, `restart` forgets them and
   * begins anew, `fail` ends the run with the code `version_changed`. Default: `continue`.
   */
  readonly onVersionChange?: VersionChange
  /**
   * Days after its end a run of this agent is deleted, from 1 to 36500; false: never. The runtime's `retention` may say otherwise. Default:
   * `retentionDays` of the configuration. Every process over the database has to know the agent: one that does not goes by the
   * configuration.
   *
   * @example
   * retentionDays: 30
   */
  readonly retentionDays?: number | false
  /**
   * When runs are created by themselves.
   *
   * @example
   * schedules: [{ name: 'morning', cron: '0 8 * * 1-5', timeZone: 'Europe/Lisbon', params: { topic: 'news' } }]
   */
  readonly schedules?: readonly Schedule<TParams>[]
  run(ctx: AgentContext<ParamsOf<TParams>, EventInputs<TEvents>, TWaits>): Promise<ResultOf<TOutput>>
}

/** An agent whatever its types: what lists of agents are made of. */
export interface AnyAgent {
  readonly key: string
  readonly description?: string
  readonly params?: Schema | undefined
  readonly output?: Schema | undefined
  readonly events?: AgentEvents
  readonly waits?: AgentWaits | undefined
  readonly tools?: AgentTools
  readonly maxAttempts?: number
  readonly timeoutMs?: number
  readonly budget?: Budget
  readonly isolation?: 'process'
  readonly conversationPolicy?: ConversationPolicy
  readonly version?: string
  readonly onVersionChange?: VersionChange
  readonly retentionDays?: number | false
  readonly schedules?: readonly AnySchedule[]
  run(ctx: never): Promise<AgentResult<unknown> | void>
}
/** How to treat a run that another version of its agent began. */
export type VersionChange = (typeof VERSION_CHANGES)[number]
export const VERSION_CHANGES = ['continue', 'restart', 'fail'] as const

/** The browser's view of an agent. */
export type ShapeOfAgent<T extends AnyAgent> =
  T extends Agent<infer TKey, infer TParams, infer TOutput, infer TEvents, infer TWaits, infer TTools>
    ? {
        key: TKey
        params: TParams extends Schema ? z.input<TParams> : Json | undefined
        output: TOutput extends Schema ? Jsonify<z.output<TOutput>> : Json
        events: AgentEvents extends TEvents ? Record<never, never> : EventPayloads<TEvents>
        waits: TWaits extends AgentWaits ? { [K in keyof TWaits]: z.input<TWaits[K]> } : Record<string, Json>
        tools: AgentTools extends TTools ? Record<never, never> : ToolShapes<TTools>
        calls: AgentTools extends TTools ? Record<never, never> : CallShapes<TTools>
      } & AgentShape
    : never
