import type { Json } from '../contract/json.ts'
import type { Message, ToolCall } from '../contract/message.ts'
import type { AgentContext, Approval, StepContext } from './context.ts'
import type { AnyTool } from './define-tool.ts'
import { traced } from '../ports/traced.ts'
import { needsApproval, runTool } from './run-tool.ts'
import { StepInterruptedError } from './step-interrupted-error.ts'
import type { ToolOutcome, ToolRunContext } from './run-tool.ts'

/** What running calls takes of a run. */
export type CallsContext = ToolRunContext &
  Pick<AgentContext, 'step' | 'approve'> &
  Partial<Pick<AgentContext, 'tracer'>>

/**
 * Runs the tool calls of one model turn, at once but for those that need somebody's leave: these are asked for
 * together, when the others are done, since asking may end the attempt. Each is a step, so that a later
 * attempt of the run does none of them again.
 *
 * @returns the results as messages, in the order of the calls.
 */
export async function runToolCalls(
  ctx: CallsContext,
  tools: ReadonlyMap<string, AnyTool>,
  calls: readonly ToolCall[],
): Promise<Message[]> {
  ctx.signal.throwIfAborted()
  for (const call of calls) {
    await ctx.emit(
      'tool.call',
      { toolCallId: call.id, tool: call.name, arguments: call.arguments },
      { once: true },
    )
  }
  // One of them may have been beyond the run's budget.
  ctx.signal.throwIfAborted()
  // What a model makes up may be too long for a step's name.
  const stepOf = ({ name }: ToolCall) => `tool:${tools.has(name) ? name : 'unknown'}`
  const running = await startToolCalls(ctx, { tools, calls, stepOf })

  const messages: Message[] = []
  // Results are told in the order of the calls, each as soon as those before it are there.
  for (const [index, call] of calls.entries()) {
    const { result, isError } = (await running[index]) as ToolOutcome
    await ctx.emit(
      'tool.result',
      { toolCallId: call.id, tool: call.name, result, ...(isError ? { isError } : {}) },
      { once: true },
    )
    const content = typeof result === 'string' ? result : JSON.stringify(result)
    messages.push({ role: 'tool', toolCallId: call.id, content })
  }
  return messages
}

interface Calls {
  tools: ReadonlyMap<string, AnyTool>
  calls: readonly ToolCall[]
  /** The name of a call's step. */
  stepOf(call: ToolCall): string
}

/** @returns the outcomes in the order of the calls. */
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
    const free = calls.filter((call) => !guarded.includes(call))
    let left = [...(await start(free.map((call) => ({ call })))), ...guarded.map((call) => ({ call }))]
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
      outcomes.get(call)?.resolve(await run(ready))
      return undefined
    } catch (error) {
      if (!(error instanceof StepInterruptedError)) throw error
      // The key of its first try goes with it, however often it is run again.
      const { attempt, idempotencyKey } = error
      return { call, begun: { idempotencyKey, ...begun, attempt } }
    }
  }

  function run({ call, begun }: Ready): Promise<ToolOutcome> {
    const { id: toolCallId, name, arguments: args } = call
    const atMostOnce = tools.get(name)?.replay === 'ask'
    // Calls that are run again are known by their ids: which of them are, differs by attempt, and so would their order.
    const step = begun === undefined ? stepOf(call) : `tool:${name}:${toolCallId}:${begun.attempt}`
    const work = async ({ idempotencyKey: key, signal }: StepContext) => {
      const idempotencyKey = begun?.idempotencyKey ?? key
      const outcome = await traced(
        ctx.tracer,
        { kind: 'tool', name, toolCallId, arguments: args },
        () => runTool(tools, call, { ...ctx, idempotencyKey, signal }),
        ({ result, isError }) => ({ output: result, ...(isError ? { error: toolFailed(result) } : {}) }),
      )
      // What a tool makes of being stopped is no result: the next attempt runs it anew.
      ctx.signal.throwIfAborted()
      return outcome
    }
    return ctx.step(step, work, atMostOnce ? { atMostOnce } : {})
  }

  /** Asks for all before any is run: one that is still to be answered ends the attempt, and with it what runs. */
  async function askFor(asked: readonly Ready[]): Promise<Ready[]> {
    const answers = await Promise.all(asked.map(async (ready) => ({ ready, approval: await ask(ready) })))
    return answers.flatMap(({ ready, approval }) => {
      if (approval.approved) return [ready]
      outcomes.get(ready.call)?.resolve(refused(ready, approval))
      return []
    })
  }

  function ask({ call: { id, name, arguments: args }, begun }: Ready): Promise<Approval> {
    const interruptedIn = begun?.attempt
    return ctx.approve({
      name,
      arguments: args,
      toolCallId: id,
      ...(interruptedIn === undefined ? {} : { interruptedIn }),
    })
  }
}

/** A call to be run, and what is known of an attempt that began it before. */
interface Ready {
  call: ToolCall
  begun?: { attempt: number; idempotencyKey: string }
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
