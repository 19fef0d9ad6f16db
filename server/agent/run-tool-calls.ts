import type { AgentMessage, ToolCall } from '../contract/message.ts'
import type { AnyTool } from './define-tool.ts'
import type { ModelTurn } from './model-turn.ts'
import type { ToolOutcome } from './run-tool.ts'
import { startToolCalls } from './start-tool-calls.ts'
import type { CallsContext } from './start-tool-calls.ts'

/** The result of a call. */
export type ToolMessage = Extract<AgentMessage, { role: 'tool' }>

/**
 * Runs the tool calls of one model turn, and tells of them and their results. Each is a step, so that a later
 * attempt of the run does none of them again.
 *
 * @returns the results as messages, in the order of the calls.
 */
export async function runToolCalls(
  ctx: CallsContext,
  tools: ReadonlyMap<string, AnyTool>,
  { messageId, toolCalls: calls }: Pick<ModelTurn, 'messageId' | 'toolCalls'>,
): Promise<ToolMessage[]> {
  ctx.signal.throwIfAborted()
  for (const call of calls) {
    await ctx.emit(
      'tool.call',
      { toolCallId: call.id, tool: call.name, arguments: call.arguments, messageId },
      { once: true },
    )
  }
  // One of them may have been beyond the run's budget.
  ctx.signal.throwIfAborted()
  // What a model makes up may be too long for a step's name.
  const stepOf = ({ name }: ToolCall) => `tool:${tools.has(name) ? name : 'unknown'}`
  const running = await startToolCalls(ctx, { tools, calls, stepOf })

  const messages: ToolMessage[] = []
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
