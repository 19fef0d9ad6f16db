// The types of callers' answers to an agent's waits and tools, made from its shape.
import type { z } from 'zod'
import type { AgentShape } from './agent-shape.ts'
import type { Json } from './json.ts'
import type { RespondInput } from './run.ts'
import type { ApprovalAnswer, PendingWait, ToolAnswer } from './wait.ts'

/** An agent that declares no waits may wait for anything. */
type WaitsOf<TShape> = TShape extends { waits: infer TWaits } ? TWaits : Record<string, Json>
type IsOpen<TShape> = string extends keyof WaitsOf<TShape> ? true : false
type ToolsOf<TShape> = TShape extends { tools: infer TTools } ? TTools : Record<never, never>

interface Pair<TName extends string, TValue> {
  wait: TName
  value: TValue
}

interface ToolShape {
  input: unknown
  output: unknown
}

type DeclaredPairs<TWaits> = { [K in keyof TWaits & string]: Pair<K, TWaits[K]> }[keyof TWaits & string]
type ToolPairs<TTools> = {
  [K in keyof TTools & string]: TTools[K] extends ToolShape
    ? Pair<`tool:${K}:${string}`, ToolAnswer<TTools[K]['output']>>
    : never
}[keyof TTools & string]

/** The answers of an agent's waits: each name with its values. */
export type AnswerOf<TShape extends AgentShape> = TShape extends AgentShape
  ? IsOpen<TShape> extends true
    ? Pair<string, Json>
    :
        | DeclaredPairs<WaitsOf<TShape>>
        | ToolPairs<ToolsOf<TShape>>
        | Pair<`approve:${string}`, ApprovalAnswer>
        | Pair<`ask:${string}`, Json>
  : never

/** The names that can be answered. */
export type WaitNameOf<TShape extends AgentShape> = AnswerOf<TShape>['wait']

/** The answer of one wait of an agent. */
export type ValueOf<TShape extends AgentShape, TName extends string> = ValueIn<AnswerOf<TShape>, TName>
type ValueIn<TPair, TName> =
  TPair extends Pair<infer TWait, infer TValue> ? ([TName] extends [TWait] ? TValue : never) : never

/** The input that answers a wait of a run. */
export type Respond<TShape extends AgentShape> = AnswerOf<TShape> &
  Pick<z.input<typeof RespondInput>, 'runId' | 'occurrence'>

type Named<TName extends string, TKind extends PendingWait['kind']> = Omit<PendingWait, 'name' | 'kind'> & {
  name: TName
  kind: TKind
}

/** A wait of an agent's run, by its `kind` and `name`. */
export type PendingWaitOf<TShape extends AgentShape> = TShape extends AgentShape
  ? IsOpen<TShape> extends true
    ? PendingWait
    :
        | Named<
            | (keyof WaitsOf<TShape> & string)
            | `tool:${keyof ToolsOf<TShape> & string}:${string}`
            | `ask:${string}`,
            'input'
          >
        | Named<`approve:${string}`, 'approval'>
        | Named<'sleep', 'sleep'>
        | Named<`agent:${string}`, 'child'>
  : never

/** The tools that a page runs for an agent, by name. Tools that it leaves out are run by other pages. */
export type ToolHandlers<TShape extends AgentShape> = string extends TShape['key']
  ? HandlersOf<Record<never, never>>
  : [ToolMapOf<TShape>] extends [never]
    ? NoHandlers
    : UnionToIntersection<HandlersOfEach<ToolMapOf<TShape>>>

/**
 * The same by the agents' keys. TypeScript infers the types of functions from this, which it cannot do from a
 * conditional type.
 */
export type ToolHandlersByKey<TShape extends AgentShape> = {
  [TOne in TShape as TOne['key']]: ToolHandlers<TOne>
}

/** The tools of each agent that has any. */
type ToolMapOf<TShape> = TShape extends { tools: infer TTools }
  ? [keyof TTools] extends [never]
    ? never
    : TTools
  : never
/** An object type without fields would accept anything, so an agent without tools needs its own type. */
type NoHandlers = Record<string, never>
type HandlersOfEach<TTools> = TTools extends unknown ? HandlersOf<TTools> : never
type HandlersOf<TTools> = {
  [K in keyof TTools]?: TTools[K] extends ToolShape
    ? (
        input: TTools[K]['input'],
        call: { toolCallId: string },
      ) => Promise<TTools[K]['output']> | TTools[K]['output']
    : never
}
type UnionToIntersection<T> = (T extends unknown ? (one: T) => void : never) extends (all: infer TAll) => void
  ? TAll
  : never
