import type { z } from 'zod'
import { toProblems } from '../contract/issues.ts'
import type { Json } from '../contract/json.ts'
import type { ToolCall } from '../contract/message.ts'
import type { AnyTool, ToolContext } from './define-tool.ts'
import { toJsonForm } from './json-form.ts'
import { ToolError } from './tool-error.ts'

/** A type and not an interface: it is stored as the result of a step, as JSON. */
export type ToolOutcome = { result: Json; isError: boolean }

/** What a tool is given of a run, but for what is its step's. */
export type ToolRunContext = Omit<ToolContext, 'idempotencyKey'>

/**
 * Runs what one tool call asks for. Never rejects: whatever goes wrong is a result the model can react
 * to, `{ error }`, so that one bad call doesn't end the run. An abort is for the caller to look at.
 */
export async function runTool(
  tools: ReadonlyMap<string, AnyTool>,
  call: ToolCall,
  ctx: ToolContext,
): Promise<ToolOutcome> {
  const tool = tools.get(call.name)
  if (tool === undefined) {
    const names = [...tools.keys()].join(', ')
    return failed(
      call,
      ctx,
      `There is no tool "${call.name}". ${names === '' ? 'No tools' : names} can be called.`,
    )
  }
  try {
    const input = await tool.input.safeParseAsync(call.arguments)
    if (!input.success) return failed(call, ctx, describeInvalid(call, input.error))
    return toOutcome(call, ctx, await execute(tool, input.data, ctx))
  } catch (err) {
    if (ctx.signal.aborted) return { result: { error: 'The run was stopped.' }, isError: true }
    if (err instanceof ToolError) return failed(call, ctx, err.message)
    return failed(call, ctx, `The tool "${call.name}" failed.`, err)
  }
}

/** Whether a call may only be run with somebody's leave. One that can't be run at all needs none. */
export async function needsApproval(tools: ReadonlyMap<string, AnyTool>, call: ToolCall): Promise<boolean> {
  const tool = tools.get(call.name)
  if (tool?.needsApproval === undefined || tool.needsApproval === false) return false
  if (tool.needsApproval === true) return true
  const needs = tool.needsApproval
  const input = await tool.input.safeParseAsync(call.arguments)
  return input.success && (needs as (input: unknown) => Promise<boolean> | boolean)(input.data)
}

// `AnyTool` hides what its input is; it has just been parsed by the tool's own schema.
function execute(tool: AnyTool, input: unknown, ctx: ToolContext): Promise<Json> | Json {
  return (tool.execute as (input: unknown, ctx: ToolContext) => Promise<Json> | Json)(input, ctx)
}

// In the form in which it is stored, so that what the model reads is the same in every attempt.
function toOutcome(call: ToolCall, ctx: ToolContext, result: Json): ToolOutcome {
  try {
    const { value, length } = toJsonForm(result)
    if (length <= MAX_RESULT_CHARACTERS) return { result: value, isError: false }
    return { result: shorten(typeof value === 'string' ? value : JSON.stringify(value)), isError: false }
  } catch (err) {
    // It did what it does: the model should not call it again for want of an answer.
    return failed(
      call,
      ctx,
      `The tool "${call.name}" was run, but its result can't be told: it is not JSON.`,
      err,
    )
  }
}

/** More no model reads, and the conversation with all its results has to fit into a row. */
const MAX_RESULT_CHARACTERS = 1_000_000
const SHOWN_CHARACTERS = 50_000

function shorten(text: string): Json {
  const beginning = text.slice(0, SHOWN_CHARACTERS).toWellFormed()
  return {
    note: `The result is too large: ${text.length} characters, of which these are the first ${beginning.length}.`,
    beginning,
  }
}

function failed(call: ToolCall, ctx: ToolContext, error: string, err?: unknown): ToolOutcome {
  ctx.log.warn({ tool: call.name, toolCallId: call.id, ...(err === undefined ? {} : { err }) }, error)
  return { result: { error }, isError: true }
}

function describeInvalid(call: ToolCall, { issues }: z.ZodError): string {
  if (typeof call.arguments === 'string') return `The arguments for "${call.name}" are not a JSON object.`
  return `The arguments for "${call.name}" are not valid. ${toProblems(issues).join('; ')}`
}
