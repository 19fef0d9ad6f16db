// Tools that pages run: declared with an agent, asked for by a wait.
import { z } from 'zod'
import type { Json, Jsonify } from '../contract/json.ts'
import { MAX_WAIT_MS } from '../contract/wait.ts'
import { TOOL_PREFIX } from '../contract/wait-names.ts'
import type { ToolAnswer } from '../contract/wait.ts'
import type { ChildRuns } from './child-run.ts'
import { defineTool } from './define-tool.ts'
import type { AnyTool } from './define-tool.ts'
import { ToolError } from './tool-error.ts'
import { isZod4, toJsonSchema } from './tool-schema.ts'
import type { InputOfSchema, OutputOfSchema, ToolSchema } from './tool-schema.ts'
import { unknownOption } from './unknown-option.ts'

/** A tool that a page runs. */
export interface ClientTool {
  readonly description: string
  /** As that of other tools. The page gets what it makes of the arguments, as JSON. */
  readonly input: ToolSchema
  /** Schema of what the page answers. Default: any JSON. */
  readonly output?: ToolSchema
  /** Milliseconds until the model is told that nobody answered. Default: 5 minutes. */
  readonly timeoutMs?: number
}

export type ClientTools = Record<string, ClientTool>

/** What pages see of those that they run. */
export type ToolShapes<TTools extends Record<string, { readonly input: ToolSchema }>> = {
  [K in keyof TTools as TTools[K] extends { readonly execute: unknown } ? never : K]: {
    input: Jsonify<OutputOfSchema<TTools[K]['input']>>
    output: TTools[K] extends { readonly output: infer TOutput extends ToolSchema }
      ? InputOfSchema<TOutput>
      : Json
  }
}

export interface AskedCall {
  id: string
  /** What the model gave. */
  given: Json
  /** What the input's schema makes of it, as JSON. */
  arguments: Json
  /** The same, as the schema made it. */
  parsed: unknown
}

/** A tool whose calls somebody else answers, for which the attempt may end. */
export interface AskedTool extends AnyTool {
  /** What was answered; undefined when nobody did in time. */
  ask(call: AskedCall, ctx: Partial<ChildRuns>): Promise<ToolAnswer | undefined>
}

export const isAsked = (tool: AnyTool | undefined): tool is AskedTool => tool !== undefined && 'ask' in tool

const OPTIONS: Record<keyof ClientTool, true> = {
  description: true,
  input: true,
  output: true,
  timeoutMs: true,
}

const ANSWER_MS = 5 * 60_000

/** @throws TypeError when it is not well declared. */
export function assertClientTool(agentKey: string, name: string, tool: ClientTool): void {
  const unknown = unknownOption(tool, OPTIONS)
  if (unknown !== undefined)
    throw new TypeError(`Agent "${agentKey}", tool ${JSON.stringify(name)}: ${unknown}`)
  const timeoutMs = z.int().min(1).max(MAX_WAIT_MS).optional().safeParse(tool.timeoutMs)
  if (!timeoutMs.success) throw new TypeError(`Agent "${agentKey}", tool "${name}": timeoutMs is not valid.`)
  toTool(name, tool)
  answerSchema(name, tool)
}

type Ask = (question: {
  name: string
  details: Json
  schema: Json
  timeoutMs: number
}) => Promise<{ status: 'answered' | 'timed_out'; value: Json }>

/** @param ask waits for an answer, for which the attempt may end. */
export function createClientTools(tools: ClientTools, ask: Ask): AskedTool[] {
  return Object.entries(tools).map(([name, tool]) => ({
    ...toTool(name, tool),
    async ask({ id, arguments: args }: AskedCall) {
      const { status, value } = await ask({
        name: `${TOOL_PREFIX}${name}:${id}`,
        details: { tool: name, arguments: args, toolCallId: id },
        schema: answerSchema(name, tool),
        timeoutMs: tool.timeoutMs ?? ANSWER_MS,
      })
      return status === 'timed_out' ? undefined : (value as ToolAnswer)
    },
  }))
}

function toTool(name: string, { description, input, output }: ClientTool): AnyTool {
  const execute = () => {
    throw new ToolError(`The tool "${name}" is run by pages.`)
  }
  return output === undefined
    ? defineTool({ name, description, input, execute })
    : defineTool({ name, description, input, output, execute })
}

const Failure = z.strictObject({ error: z.string().max(10_000) })

function answerSchema(name: string, { output = z.unknown() }: ClientTool): Json {
  try {
    if (isZod4(output)) {
      return z.toJSONSchema(z.union([z.strictObject({ result: output }), Failure]), { io: 'input' }) as Json
    }
    const { $defs, ...result } = toJsonSchema(output, 'input')
    const success = {
      type: 'object',
      properties: { result },
      required: ['result'],
      additionalProperties: false,
    }
    const schema = { anyOf: [success, z.toJSONSchema(Failure)], ...($defs === undefined ? {} : { $defs }) }
    return schema as Json
  } catch (cause) {
    throw new TypeError(`Tool "${name}": the output schema can't be written as JSON Schema.`, { cause })
  }
}
