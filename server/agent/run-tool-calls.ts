import type { Json } from '../contract/json.ts'
import type { Message, ToolCall } from '../contract/message.ts'
import type { AgentContext, Approval } from './context.ts'
import type { AnyTool } from './define-tool.ts'
import { traced } from '../ports/traced.ts'
import { needsApproval, runTool } from './run-tool.ts'
import type { ToolOutcome, ToolRunContext } from './run-tool.ts'

/**
 * Runs the tool calls of one model turn, at once but for those that need somebody's leave: these are asked for
 * together, when the others are done, since asking may end the attempt. Each is a step, so that a later
 * attempt of the run does none of them again.
 *
 * @returns the results as messages, in the order of the calls.
 */
export async function runToolCalls(
  ctx: ToolRunContext &
    Pick<AgentContext, 'emit' | 'step' | 'approve'> &
    Partial<Pick<AgentContext, 'tracer'>>,
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
  const needed = await Promise.all(calls.map((call) => needsApproval(tools, call)))
  const guarded = calls.filter((_, index) => needed[index] === true)
  const free = new Map(calls.filter((call) => !guarded.includes(call)).map((call) => [call, run(call)]))
  // All before any is run: one that is still to be answered ends the attempt, and with it what runs.
  const approvals = askFor(guarded)
  const running = calls.map((call) => free.get(call) ?? runApproved(call))
  // What is awaited below comes one by one; a rejection of a later one must have its listener now.
  void Promise.allSettled([...running, approvals])

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

  function run(call: ToolCall): Promise<ToolOutcome> {
    return ctx.step(`tool:${call.name}`, async ({ idempotencyKey, signal }) => {
      const { id: toolCallId, name, arguments: args } = call
      const outcome = await traced(
        ctx.tracer,
        { kind: 'tool', name, toolCallId, arguments: args },
        () => runTool(tools, call, { ...ctx, idempotencyKey, signal }),
        ({ result, isError }) => ({ output: result, ...(isError ? { error: toolFailed(result) } : {}) }),
      )
      // What a tool makes of being stopped is no result: the next attempt runs it anew.
      ctx.signal.throwIfAborted()
      return outcome
    })
  }

  async function askFor(asked: readonly ToolCall[]): Promise<Map<ToolCall, Approval>> {
    await Promise.all(free.values())
    return new Map(await Promise.all(asked.map(async (call) => [call, await ask(call)] as const)))
  }

  function ask({ id, name, arguments: args }: ToolCall): Promise<Approval> {
    return ctx.approve({ name, arguments: args, toolCallId: id })
  }

  async function runApproved(call: ToolCall): Promise<ToolOutcome> {
    const approval = (await approvals).get(call) as Approval
    if (approval.approved) return run(call)
    const why = approval.reason === 'denied' ? 'was denied' : 'was not approved in time'
    const comment = approval.comment === null ? '' : ` ${approval.comment}`
    return { result: { error: `The call ${why}.${comment}` }, isError: true }
  }
}

/** What the model was told went wrong. */
function toolFailed(result: Json): Error {
  const { error } = Object(result) as { error?: unknown }
  return Object.assign(new Error(typeof error === 'string' ? error : 'The tool failed.'), {
    code: 'tool_error',
  })
}
