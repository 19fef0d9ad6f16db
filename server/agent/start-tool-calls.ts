// The calls of tools of one model turn: what is run when, and what has to be asked for first.
import type { Json } from '../contract/json.ts'
import type { ToolCall } from '../contract/message.ts'
import { QUESTION_PREFIX } from '../contract/wait-names.ts'
import { traced } from '../ports/traced.ts'
import { isAsked } from './client-tools.ts'
import type { AskedTool } from './client-tools.ts'
import type { AgentContext, StepContext } from './context.ts'
import type { Approval } from './wait.ts'
import type { AnyTool } from './define-tool.ts'
import { toJsonForm } from './json-form.ts'
import { describeInvalid, failed, needsApproval, readAnswer, runTool } from './run-tool.ts'
import type { ToolOutcome, ToolRunContext } from './run-tool.ts'
import { StepInterruptedError } from './step-interrupted-error.ts'
import { ToolError } from './tool-error.ts'
import { askerOf, assertAnswerable, UnansweredError } from './tool-question.ts'
import type { NamedQuestion, ToolQuestion } from './tool-question.ts'
import { checkAgainst } from './tool-schema.ts'

/** What running calls takes of a run. */
export type CallsContext = ToolRunContext &
  Pick<AgentContext, 'step' | 'approve'> &
  Partial<Pick<AgentContext, 'tracer' | 'runAgent'>>

interface Calls {
  tools: ReadonlyMap<string, AnyTool>
  calls: readonly ToolCall[]
  /** The name of a call's step. */
  stepOf(call: ToolCall): string
}

/** A call to be run, and what is known of an attempt that began it before. */
interface Ready {
  call: ToolCall
  begun?: { attempt: number; idempotencyKey: string }
  /** What it has to know first. */
  question?: NamedQuestion
}

/** A call that is run elsewhere. */
interface CheckedCall {
  tool: AskedTool
  call: ToolCall
  input: Awaited<ReturnType<typeof checkAgainst>>
}

/**
 * Runs calls at once but for those that need somebody's leave, or are run by pages: these are asked for together, when the
 * others are done, since asking may end the attempt.
 *
 * @returns the outcomes in the order of the calls.
 */
export async function startToolCalls(
  ctx: CallsContext,
  { tools, calls, stepOf }: Calls,
): Promise<Promise<ToolOutcome>[]> {
  const needed = await Promise.all(calls.map((call) => needsApproval(tools, call)))
  const outcomes = new Map(calls.map((call) => [call, Promise.withResolvers<ToolOutcome>()]))
  // What is awaited comes one by one; a rejection of a later one must have its listener now.
  void Promise.allSettled([...outcomes.values()].map(({ promise }) => promise))
  void runAll().catch((error: unknown) => {
    for (const { reject } of outcomes.values()) reject(error)
  })
  return calls.map((call) => (outcomes.get(call) as PromiseWithResolvers<ToolOutcome>).promise)

  async function runAll(): Promise<void> {
    const guarded = calls.filter((_, index) => needed[index] === true)
    const asked = calls.filter(({ name }) => isAsked(tools.get(name)))
    const free = calls.filter((call) => !guarded.includes(call) && !asked.includes(call))
    let left = [...(await start(free.map((call) => ({ call })))), ...guarded.map((call) => ({ call }))]
    // All are checked before one is asked for: that may end the attempt.
    const checked = await Promise.all(asked.map(check))
    const [approved] = await Promise.all([askFor(left), ...checked.map(haveRun)])
    left = await start(approved)
    while (left.length > 0) left = await start(await askFor(left))
  }

  /** Runs calls at once. @returns those that an earlier attempt began and did not end. */
  async function start(ready: readonly Ready[]): Promise<Ready[]> {
    const interrupted = await Promise.all(ready.map(runOrFindInterrupted))
    return interrupted.filter((found) => found !== undefined)
  }

  async function runOrFindInterrupted(ready: Ready): Promise<Ready | undefined> {
    const { call, begun } = ready
    try {
      outcomes.get(call)?.resolve(await runReady(ctx, tools, { ...ready, step: stepOf(call) }))
      return undefined
    } catch (error) {
      if (error instanceof UnansweredError) return { ...ready, question: error.question }
      if (!(error instanceof StepInterruptedError)) throw error
      // The key of its first try goes with it, however often it is run again.
      const { attempt, idempotencyKey } = error
      return { call, begun: { idempotencyKey, ...begun, attempt } }
    }
  }

  async function check(call: ToolCall): Promise<CheckedCall> {
    const tool = tools.get(call.name) as AskedTool
    return { tool, call, input: await checkAgainst(tool.input, call.arguments) }
  }

  async function haveRun(checked: CheckedCall): Promise<void> {
    outcomes.get(checked.call)?.resolve(await runByAnother(ctx, checked, stepOf(checked.call)))
  }

  /** Asks for all before any is run: one that is still to be answered ends the attempt, and with it what runs. */
  async function askFor(asked: readonly Ready[]): Promise<Ready[]> {
    const answered = await Promise.all(asked.map((ready) => answerTo(ready)))
    return answered.filter((ready) => ready !== undefined)
  }

  /** @returns the call, when it may be run. */
  async function answerTo({ question, ...ready }: Ready): Promise<Ready | undefined> {
    if (question !== undefined) {
      await askerOf(ctx)?.ask(question)
      return ready
    }
    const approval = await askLeave(ctx, ready)
    if (approval.approved) return ready
    outcomes.get(ready.call)?.resolve(refused(ready, approval))
    return undefined
  }
}

function runReady(
  ctx: CallsContext,
  tools: ReadonlyMap<string, AnyTool>,
  { call, begun, step }: Ready & { step: string },
): Promise<ToolOutcome> {
  const { id: toolCallId, name, arguments: args } = call
  const atMostOnce = tools.get(name)?.replay === 'ask'
  // Calls that are run again are known by their ids: which of them are, differs by attempt, and so would their order.
  const place = begun === undefined ? step : `tool:${name}:${toolCallId}:${begun.attempt}`
  const work = async ({ idempotencyKey: key, signal }: StepContext) => {
    const idempotencyKey = begun?.idempotencyKey ?? key
    const outcome = await traced(
      ctx.tracer,
      // Names that a model makes up are without end, and each would be a label of metrics.
      { kind: 'tool', name: tools.has(name) ? name : 'unknown', toolCallId, arguments: args },
      () =>
        runTool(tools, call, {
          ...ctx,
          idempotencyKey,
          signal,
          findAnswer: createFindAnswer(ctx, call, atMostOnce),
        }),
      ({ result, isError }) => ({ output: result, ...(isError ? { error: toolFailed(result) } : {}) }),
    )
    // What a tool makes of being stopped is no result: the next attempt runs it anew.
    ctx.signal.throwIfAborted()
    return outcome
  }
  return ctx.step(place, work, atMostOnce ? { atMostOnce } : {})
}

/** Of one try of a call, whose questions are told apart by their order. */
function createFindAnswer(ctx: CallsContext, { id, name }: ToolCall, isAtMostOnce: boolean) {
  const asker = isAtMostOnce ? undefined : askerOf(ctx)
  let asked = 0
  return async (question: ToolQuestion) => {
    asked += 1
    if (asker === undefined)
      throw new ToolError(`The tool "${name}" has a question, and nobody can be asked.`)
    const named = { ...question, name: `${QUESTION_PREFIX}${name}:${id}:${asked}` }
    const answer = await asker.find(named.name)
    if (answer !== undefined) return answer
    assertAnswerable(name, question)
    throw new UnansweredError(named)
  }
}

/** Has a page, or a run of another agent, run a call. */
async function runByAnother(
  ctx: CallsContext,
  { tool, call, input }: CheckedCall,
  step: string,
): Promise<ToolOutcome> {
  // Answers come in any order, so the order of these steps differs by attempt. The end of an id tells calls apart.
  const place = `${step}:${call.id.slice(-60).toWellFormed()}`
  if (!input.success) return ctx.step(place, () => failed(call, ctx, describeInvalid(call, input.problems)))
  const given = call.arguments
  const asked = { id: call.id, given, arguments: toJsonForm(input.data).value, parsed: input.data }
  const answer = await tool.ask(asked, ctx)
  return ctx.step(place, () => readAnswer(tool, { call, answer }, ctx))
}

function askLeave(
  ctx: CallsContext,
  { call: { id, name, arguments: args }, begun }: Ready,
): Promise<Approval> {
  const again = begun === undefined ? {} : { interruptedIn: begun.attempt }
  return ctx.approve({ name, arguments: args, toolCallId: id, ...again })
}

function refused({ begun }: Ready, approval: Exclude<Approval, { approved: true }>): ToolOutcome {
  const why = approval.reason === 'denied' ? 'was denied' : 'was not approved in time'
  const what =
    begun === undefined
      ? `The call ${why}.`
      : `The call was interrupted: it may have been done, or not. To run it again ${why}.`
  const comment = approval.comment === null ? '' : ` ${approval.comment}`
  return { result: { error: `${what}${comment}` }, isError: true }
}

/** What the model was told went wrong. */
function toolFailed(result: Json): Error {
  const { error } = Object(result) as { error?: unknown }
  return Object.assign(new Error(typeof error === 'string' ? error : 'The tool failed.'), {
    code: 'tool_error',
  })
}
