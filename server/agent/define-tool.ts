import { z } from 'zod'
import type { Json, JsonLike } from '../contract/json.ts'
import { MAX_TIMEOUT_MS } from '../contract/create-run.ts'
import { unknownOption } from './unknown-option.ts'
import type { AgentContext } from './context.ts'
import type { WaitOutcome } from './wait.ts'
import type { ToolQuestion } from './tool-question.ts'
import { standardOf } from './tool-schema.ts'
import type { InputOfSchema, OutputOfSchema, ToolSchema } from './tool-schema.ts'
import { toToolSpec } from './tool-spec.ts'

/** What a tool's code may use of the run that calls it. */
export interface ToolContext extends Pick<
  AgentContext,
  'runId' | 'conversationId' | 'attempt' | 'metadata' | 'principal' | 'signal' | 'log'
> {
  /** The same when the call is run again after a crash: hand it to services that take one. */
  readonly idempotencyKey: string
  /**
   * Emits `tool.progress`, for whoever follows the run: how far the call is. Once the call is over it does nothing.
   *
   * @example
   * await report({ percent: 40, file: 'b.pdf' })
   */
  report(progress: JsonLike): Promise<void>
  /**
   * Asks a person. Without an answer the call ends here and the run waits. With the answer the call is run again from its beginning,
   * and this returns the answer. So ask the same questions in the same order, before any effect that must not happen twice.
   *
   * @throws ToolError for a tool whose `replay` is `ask`, outside of a run, and for a schema that answers can't be checked by.
   */
  ask(question: ToolQuestion): Promise<WaitOutcome<Json>>
}

/**
 * How to go on with a call whose process died in the middle of it. `safe`: run it again. `keyed`: run it again with the same
 * `idempotencyKey`, which the tool hands on; the log warns when it never read the key. `ask`: ask a person, as for an approval, and tell
 * the model when the answer is no.
 */
export type ToolReplay = 'safe' | 'keyed' | 'ask'

interface ToolLimits {
  /** Milliseconds a call may take. Then its signal aborts, and the model is told. Default: no limit but the run's. */
  readonly timeoutMs?: number
  /** When a process died in the middle of a call. Default: `safe`, it is run again. */
  readonly replay?: ToolReplay
  /**
   * The most the model gets of a result or a `ToolError`, in bytes of its JSON: the beginning, with a note that tells how much there was. From
   * 1 to 1,000,000. Default: of more than 1,000,000 characters the first 50,000.
   */
  readonly maxResultBytes?: number
}

/** A tool a model may call. Make one with {@link defineTool}. */
export interface Tool<
  TName extends string = string,
  TInput extends ToolSchema = ToolSchema,
  TOutput extends ToolSchema | undefined = undefined,
> extends ToolLimits {
  readonly name: TName
  readonly description: string
  /** A schema of zod 3 or 4, of another library that writes JSON Schema, or a JSON Schema. */
  readonly input: TInput
  /** Schema of the result. A call whose result does not fit has failed. Default: any JSON. */
  readonly output?: TOutput
  /** Whether somebody has to approve a call before it is run, of all calls or by their input. Default: false. */
  readonly needsApproval?: boolean | ((input: OutputOfSchema<TInput>) => Promise<boolean> | boolean)
  execute(
    input: OutputOfSchema<TInput>,
    ctx: ToolContext,
  ): Promise<ResultOfTool<TOutput>> | ResultOfTool<TOutput>
}

type ResultOfTool<TOutput> = TOutput extends ToolSchema ? InputOfSchema<TOutput> : JsonLike

/** A tool whatever its input: what lists of tools are made of. */
export interface AnyTool extends ToolLimits {
  readonly name: string
  readonly description: string
  readonly input: ToolSchema
  readonly output?: ToolSchema | undefined
  readonly needsApproval?: boolean | ((input: never) => Promise<boolean> | boolean)
  execute(input: never, ctx: ToolContext): unknown
}

const OPTIONS: Record<keyof AnyTool, true> = {
  name: true,
  description: true,
  input: true,
  output: true,
  needsApproval: true,
  timeoutMs: true,
  replay: true,
  maxResultBytes: true,
  execute: true,
}

const Limits = z.object({
  timeoutMs: z.int().min(1).max(MAX_TIMEOUT_MS).optional(),
  replay: z.enum(['safe', 'keyed', 'ask']).optional(),
  maxResultBytes: z.int().min(1).max(1_000_000).optional(),
})

const TOOL_NAME = /^[a-zA-Z0-9_-]{1,64}$/

/**
 * Declares a tool: a name, a description for the model, a schema for the input, and the code.
 * The input is validated before `execute` sees it; what `execute` returns must be JSON, or what `output` makes JSON of.
 *
 * @throws TypeError when the name is not 1 to 64 letters, digits, `_` or `-` (what all providers accept),
 * there is no such option or it is not valid, or the input is no object's schema that can be written as JSON Schema, which is
 * what a model is told of it.
 * @example
 * const getWeather = defineTool({
 *   name: 'get_weather',
 *   description: 'Current weather in a city',
 *   input: z.object({ city: z.string() }),
 *   output: z.object({ celsius: z.number() }),
 *   timeoutMs: 10_000,
 *   execute: async ({ city }, { signal }) => fetchWeather(city, signal),
 * })
 */
export function defineTool<
  const TName extends string,
  const TInput extends ToolSchema,
  const TOutput extends ToolSchema,
>(tool: Tool<TName, TInput, TOutput> & { readonly output: TOutput }): Tool<TName, TInput, TOutput>
export function defineTool<const TName extends string, const TInput extends ToolSchema>(
  tool: Tool<TName, TInput>,
): Tool<TName, TInput>
export function defineTool(tool: AnyTool): AnyTool {
  const unknown = unknownOption(tool, OPTIONS)
  if (unknown !== undefined) throw new TypeError(`Tool ${JSON.stringify(tool.name)}: ${unknown}`)
  if (!TOOL_NAME.test(tool.name)) {
    throw new TypeError(
      `Tool name ${JSON.stringify(tool.name)} is not valid: use 1 to 64 letters, digits, "_" or "-".`,
    )
  }
  const limits = Limits.safeParse(tool)
  if (!limits.success) {
    const [{ path, message } = { path: [], message: '' }] = limits.error.issues
    throw new TypeError(`Tool "${tool.name}": ${path.join('.')} is not valid. ${message}`)
  }
  toToolSpec(tool)
  assertCheckable(tool.name, 'input', tool.input)
  if (tool.output !== undefined) assertCheckable(tool.name, 'output', tool.output)
  return Object.freeze({ ...tool })
}

function assertCheckable(name: string, what: 'input' | 'output', schema: ToolSchema): void {
  try {
    standardOf(schema)
  } catch (cause) {
    throw new TypeError(`Tool "${name}": the ${what} is a JSON Schema that can't be checked here.`, { cause })
  }
}
