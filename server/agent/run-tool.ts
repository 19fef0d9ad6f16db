import type { Json } from '../contract/json.ts'
import type { ToolCall } from '../contract/message.ts'
import type { ToolAnswer } from '../contract/wait.ts'
import type { AskedTool } from './client-tools.ts'
import type { AgentContext } from './context.ts'
import type { WaitOutcome } from './wait.ts'
import type { AnyTool, ToolContext } from './define-tool.ts'
import { toJsonForm } from './json-form.ts'
import { ToolError } from './tool-error.ts'
import { UnansweredError } from './tool-question.ts'
import type { ToolQuestion } from './tool-question.ts'
import { bounded, boundedError } from './tool-result.ts'
import { checkAgainst } from './tool-schema.ts'

/** A type and not an interface: it is stored as the result of a step, as JSON. */
export type ToolOutcome = { result: Json; isError: boolean }

/** What a tool is given of a run, but for what is its call's. */
export type ToolRunContext = Omit<ToolContext, 'idempotencyKey' | 'report' | 'ask'> &
  Pick<AgentContext, 'emit'>

type CallContext = ToolRunContext &
  Pick<ToolContext, 'idempotencyKey'> & {
    /** @throws UnansweredError when there is no answer yet. */
    findAnswer(question: ToolQuestion): Promise<WaitOutcome<Json>>
  }
type Logging = Pick<ToolContext, 'log'>

const LOGGED_CHARACTERS = 1_000

/**
 * Runs what one tool call asks for. Whatever goes wrong is a result the model can react
 * to, `{ error }`, so that one bad call doesn't end the run. An abort is for the caller to look at.
 *
 * @throws UnansweredError when the tool has a question.
 */
export async function runTool(
  tools: ReadonlyMap<string, AnyTool>,
  call: ToolCall,
  ctx: CallContext,
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
    const input = await checkAgainst(tool.input, call.arguments)
    if (!input.success) return failed(call, ctx, describeInvalid(call, input.problems))
    return await toOutcome(tool, call, ctx, await execute(tool, call, input.data, ctx))
  } catch (err) {
    if (err instanceof UnansweredError) throw err
    if (ctx.signal.aborted) return { result: { error: 'The run was stopped.' }, isError: true }
    if (err instanceof ToolError) return failed(call, ctx, boundedError(err.message, tool.maxResultBytes))
    return failed(call, ctx, `The tool "${call.name}" failed.`, err)
  }
}

/** Reads what somebody else has made of a call; undefined when nobody did in time. */
export async function readAnswer(
  tool: AskedTool,
  { call, answer }: { call: ToolCall; answer: ToolAnswer | undefined },
  ctx: Logging,
): Promise<ToolOutcome> {
  if (answer === undefined) return failed(call, ctx, `Nobody ran the tool "${call.name}" in time.`)
  if ('error' in answer) return failed(call, ctx, answer.error)
  return toOutcome(tool, call, ctx, answer.result)
}

/** Whether a call may only be run with somebody's leave. One that can't be run at all needs none. */
export async function needsApproval(tools: ReadonlyMap<string, AnyTool>, call: ToolCall): Promise<boolean> {
  const tool = tools.get(call.name)
  const needs: unknown = tool?.needsApproval
  if (tool === undefined || typeof needs !== 'function') return isNeeded(needs)
  const input = await checkAgainst(tool.input, call.arguments)
  return input.success && isNeeded(await (needs as (input: unknown) => unknown)(input.data))
}

/** JavaScript may answer with a match or a text. Only a plain no runs the call without leave; null is what no match is. */
const isNeeded = (answer: unknown) => answer !== false && answer !== undefined && answer !== null

/** @throws ToolError when the call takes too long, UnansweredError when it has a question. The tool may go on, but nobody listens to it any more. */
async function execute(tool: AnyTool, call: ToolCall, input: unknown, ctx: CallContext): Promise<unknown> {
  const { timeoutMs } = tool
  const over = new AbortController()
  const ended = Promise.withResolvers<never>()
  const timer = timeoutMs === undefined ? undefined : setTimeout(onTimeUp, timeoutMs)
  let isKeyUsed = false
  let isOver = false

  function onTimeUp(): void {
    const error = new ToolError(`The tool "${call.name}" took longer than ${timeoutMs} ms and was stopped.`)
    end(error)
  }

  function end(error: Error): void {
    over.abort(error)
    ended.reject(error)
  }

  const { emit, idempotencyKey, findAnswer, ...rest } = ctx
  const toolContext: ToolContext = {
    ...rest,
    signal: AbortSignal.any([ctx.signal, over.signal]),
    get idempotencyKey() {
      isKeyUsed = true
      return idempotencyKey
    },
    report(progress) {
      if (isOver) return Promise.resolve()
      // Emitting makes JSON of it.
      const told = progress as Json
      return emit('tool.progress', { toolCallId: call.id, tool: call.name, progress: told })
    },
    async ask(question) {
      try {
        return await findAnswer(question)
      } catch (error) {
        // Whatever the tool makes of it, the call is over.
        if (error instanceof UnansweredError) end(error)
        throw error
      }
    },
  }
  try {
    // `AnyTool` hides what its input is; it has just been parsed by the tool's own schema.
    const work = tool.execute as (input: unknown, ctx: ToolContext) => unknown
    const result = await Promise.race([(async () => work.call(tool, input, toolContext))(), ended.promise])
    if (tool.replay === 'keyed' && !isKeyUsed) {
      ctx.log.warn(
        { tool: call.name, toolCallId: call.id },
        `The tool "${call.name}" is "keyed", but did not use its idempotencyKey: run again, it would do twice what it does.`,
      )
    }
    return result
  } finally {
    isOver = true
    clearTimeout(timer)
  }
}

// In the form in which it is stored, so that what the model reads is the same in every attempt.
async function toOutcome(tool: AnyTool, call: ToolCall, ctx: Logging, result: unknown): Promise<ToolOutcome> {
  const output = tool.output === undefined ? undefined : await checkAgainst(tool.output, result)
  // It did what it does: the model should not call it again for want of an answer.
  const wasRun = `The tool "${call.name}" was run, but its result can't be told:`
  if (output?.success === false) {
    return failed(
      call,
      ctx,
      `${wasRun} it is not of the form that was declared.`,
      new TypeError(output.problems.join('; ')),
    )
  }
  try {
    const { value, length } = toJsonForm(output === undefined ? result : output.data)
    return { result: bounded(value, length, tool.maxResultBytes), isError: false }
  } catch (err) {
    return failed(call, ctx, `${wasRun} it is not JSON.`, err)
  }
}

export function failed(call: ToolCall, ctx: Logging, error: string, err?: unknown): ToolOutcome {
  const line = error.length <= LOGGED_CHARACTERS ? error : `${error.slice(0, LOGGED_CHARACTERS)}…`
  ctx.log.warn({ tool: call.name, toolCallId: call.id, ...(err === undefined ? {} : { err }) }, line)
  return { result: { error }, isError: true }
}

export function describeInvalid(call: ToolCall, problems: string[]): string {
  if (typeof call.arguments === 'string') return `The arguments for "${call.name}" are not a JSON object.`
  return `The arguments for "${call.name}" are not valid. ${problems.join('; ')}`
}
