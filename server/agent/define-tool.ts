import { z } from 'zod'
import type { Json } from '../contract/json.ts'
import { unknownOption } from './unknown-option.ts'
import type { AgentContext } from './context.ts'
import { toToolSpec } from './tool-spec.ts'

/** What a tool's code may use of the run that calls it. */
export interface ToolContext extends Pick<
  AgentContext,
  'runId' | 'conversationId' | 'attempt' | 'metadata' | 'principal' | 'signal' | 'log'
> {
  /** The same when the call is run again after a crash: hand it to services that take one. */
  readonly idempotencyKey: string
}

/** A tool a model may call. Make one with {@link defineTool}. */
export interface Tool<TName extends string = string, TInput extends z.ZodType = z.ZodType> {
  readonly name: TName
  readonly description: string
  readonly input: TInput
  /** Whether somebody has to approve a call before it is run, of all calls or by their input. Default: false. */
  readonly needsApproval?: boolean | ((input: z.output<TInput>) => Promise<boolean> | boolean)
  execute(input: z.output<TInput>, ctx: ToolContext): Promise<Json> | Json
}

/** A tool whatever its input: what lists of tools are made of. */
export interface AnyTool {
  readonly name: string
  readonly description: string
  readonly input: z.ZodType
  readonly needsApproval?: boolean | ((input: never) => Promise<boolean> | boolean)
  execute(input: never, ctx: ToolContext): Promise<Json> | Json
}

const OPTIONS: Record<keyof AnyTool, true> = {
  name: true,
  description: true,
  input: true,
  needsApproval: true,
  execute: true,
}

const TOOL_NAME = /^[a-zA-Z0-9_-]{1,64}$/

/**
 * Declares a tool: a name, a description for the model, a zod schema for the input, and the code.
 * The input is validated before `execute` sees it; what `execute` returns must be JSON.
 *
 * @throws TypeError when the name is not 1 to 64 letters, digits, `_` or `-` (what all providers accept),
 * there is no such option, or the input is no object's schema that can be written as JSON Schema, which is what a model is told of it.
 * @example
 * const getWeather = defineTool({
 *   name: 'get_weather',
 *   description: 'Current weather in a city',
 *   input: z.object({ city: z.string() }),
 *   execute: async ({ city }, { signal }) => fetchWeather(city, signal),
 * })
 */
export function defineTool<const TName extends string, TInput extends z.ZodType>(
  tool: Tool<TName, TInput>,
): Tool<TName, TInput> {
  const unknown = unknownOption(tool, OPTIONS)
  if (unknown !== undefined) throw new TypeError(`Tool ${JSON.stringify(tool.name)}: ${unknown}`)
  if (!TOOL_NAME.test(tool.name)) {
    throw new TypeError(
      `Tool name ${JSON.stringify(tool.name)} is not valid: use 1 to 64 letters, digits, "_" or "-".`,
    )
  }
  toToolSpec(tool)
  return Object.freeze({ ...tool })
}
