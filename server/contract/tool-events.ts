// Tool calls typed by the tools that agents declare, and the events that tell of them. These are only types.
import type { EventEnvelope } from './event.ts'
import type { Json } from './json.ts'
import type { RuntimeEventPayloads } from './runtime-events.ts'

/**
 * The name of a tool that the agents do not declare. No name that is written in code has this type, so a misspelt name does not compile.
 * `part.tool === 'get_weather'` narrows to the calls of that tool alone.
 */
export type UndeclaredTool = Undeclared
// No other type is both: one that extends `string` alone can be compared with any text.
declare enum Undeclared {
  name = '',
}

/** The declared tools of each agent that has any. */
export type CallsOf<TShape> = TShape extends { calls: infer TCalls }
  ? [keyof TCalls] extends [never]
    ? never
    : TCalls
  : never

export interface CallShape {
  input: unknown
  output: unknown
}

/** The events whose types depend on the tools that agents declare. */
export type ToolEventType = 'tool.call' | 'tool.result'

/**
 * `tool.call` and `tool.result`, narrowed by `payload.tool`, and results by `payload.isError` too.
 *
 * @example
 * if (event.type === 'tool.call' && event.payload.tool === 'get_weather') show(event.payload.arguments.city)
 */
export type ToolEvent<TCalls> = {
  [T in ToolEventType]: EventEnvelope & {
    type: T
    payload: DeclaredCall<TCalls>[T] | ToldCall<UndeclaredTool, Json, Json>[T]
  }
}[ToolEventType]

type DeclaredCall<TCalls> = TCalls extends unknown
  ? {
      [K in keyof TCalls & string]: TCalls[K] extends CallShape
        ? ToldCall<K, TCalls[K]['input'], TCalls[K]['output']>
        : never
    }[keyof TCalls & string]
  : never

/** What is told of the calls of one tool. */
interface ToldCall<TName, TInput, TOutput> {
  'tool.call': Omit<RuntimeEventPayloads['tool.call'], 'tool' | 'arguments'> & {
    tool: TName
    /** As the model gave them. They are checked when the call is run, which fails if they do not fit. */
    arguments: TInput
  }
  'tool.result': { toolCallId: string; tool: TName } & (
    | { isError?: false | undefined; result: TOutput }
    | { isError: true; result: Json }
  )
}
