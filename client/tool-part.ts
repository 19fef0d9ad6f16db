// A tool call as a part of a message, typed by the tools that agents declare.
import type { AgentShape } from '../server/contract/agent-shape.ts'
import type { Json } from '../server/contract/json.ts'
import type { CallShape, CallsOf, UndeclaredTool } from '../server/contract/tool-events.ts'
import type { PendingWait } from '../server/contract/wait.ts'
import type { PendingWaitOf } from '../server/contract/wait-types.ts'

interface Call<TName extends string> {
  readonly type: 'tool'
  readonly toolCallId: string
  readonly tool: TName
  /** What the tool reported last (`ctx.report`). */
  readonly progress?: Json
}

/** The calls of one tool, narrowed by `state`. */
type CallPart<TName extends string, TInput, TOutput, TWait> =
  | (Call<TName> & {
      /** The model is writing the arguments. */
      readonly state: 'input'
      /** The beginning of a JSON text. */
      readonly inputText: string
    })
  | (Call<TName> & {
      /** The arguments are as the model gave them. They are checked when the call is run, which fails if they do not fit. */
      readonly state: 'called'
      readonly input: TInput
    })
  | (Call<TName> & {
      /** Somebody has to allow the call, or to run it. */
      readonly state: 'waiting'
      readonly input: TInput
      readonly wait: TWait
    })
  | (Call<TName> & { readonly state: 'succeeded'; readonly input: TInput; readonly output: TOutput })
  | (Call<TName> & {
      readonly state: 'failed'
      /** Any JSON, because the call may have failed since its arguments do not fit. */
      readonly input: Json
      readonly error: string
    })
  | (Call<TName> & {
      /** The run was over before there was a result. */
      readonly state: 'interrupted'
      readonly input: TInput
    })

/**
 * A call of a tool: a union narrowed by `tool` and `state`. Arguments and results have the types of the schemas that the agents declare
 * (`tools` of `defineAgent`). They are any JSON for other tools, and so is a result whose schema is a text's. If no agent declares tools,
 * `tool` is any text.
 *
 * @example
 * if (part.type === 'tool' && part.tool === 'get_weather' && part.state === 'succeeded') show(part.output.celsius)
 */
export type ToolPart<TShape extends AgentShape = AgentShape> = [CallsOf<TShape>] extends [never]
  ? CallPart<string, Json, Json, PendingWait>
  :
      | DeclaredCall<CallsOf<TShape>, PendingWaitOf<TShape>>
      | CallPart<UndeclaredTool, Json, Json, PendingWaitOf<TShape>>

/** A text result is sent unchanged. If it is `42` or `{}`, a page can't tell it from JSON. */
type OutputAsTold<TOutput> = string extends TOutput ? Json : TOutput

type DeclaredCall<TCalls, TWait> = TCalls extends unknown
  ? {
      [K in keyof TCalls & string]: TCalls[K] extends CallShape
        ? CallPart<K, TCalls[K]['input'], OutputAsTold<TCalls[K]['output']>, TWait>
        : never
    }[keyof TCalls & string]
  : never
