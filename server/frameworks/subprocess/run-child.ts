import type { RunAgentOptions } from '../../agent/child-run.ts'
import type { AgentContext } from '../../agent/context.ts'
import type { AnyAgent } from '../../agent/agent.ts'
import { NonRetriableError } from '../../agent/non-retriable-error.ts'
import { AgentRuntimeError } from '../../contract/agent-runtime-error.ts'
import type { Json } from '../../contract/json.ts'
import type { MessageOf } from './protocol.ts'
import { usageOf } from './wire-usage.ts'
import { fromWireMessages } from './wire-messages.ts'

/** Has another agent do something for a process: one of those that its agent says it may run. */
export async function runChild(
  ctx: AgentContext,
  asked: MessageOf<'child_run'>,
  agents: readonly AnyAgent[],
): Promise<Json> {
  const agent = agents.find(({ key }) => key === asked.agent)
  if (agent === undefined) {
    throw new NonRetriableError(`The agent may not run "${asked.agent}": it is not among its "agents".`)
  }
  const { on_end: onEnd } = asked
  if (asked.detached) {
    // `startAgent` checks what it is.
    const told = onEnd === undefined ? {} : { onEnd: onEnd as 'continue' }
    const { runId } = await ctx.startAgent(agent, { ...optionsOf(asked), ...told })
    return { run_id: runId }
  }
  if (onEnd !== undefined) {
    throw new AgentRuntimeError('validation_failed', 'Only a detached run has an "on_end".')
  }
  const { runId, output, text, usage } = await ctx.runAgent(agent, optionsOf(asked))
  return { run_id: runId, output, text, usage: usage === null ? null : usageOf(usage) }
}

function optionsOf(asked: MessageOf<'child_run'>): RunAgentOptions<AnyAgent> {
  const { messages, params, name, metadata, budget } = asked
  const { timeout_ms: timeoutMs, max_attempts: maxAttempts } = asked
  const { tokens, tool_calls: toolCalls, cost } = budget ?? {}
  return {
    ...(messages !== undefined && {
      messages: typeof messages === 'string' ? messages : fromWireMessages(messages),
    }),
    ...(params !== undefined && { params }),
    ...(name !== undefined && { name }),
    ...(metadata !== undefined && { metadata }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(maxAttempts !== undefined && { maxAttempts }),
    ...(budget !== undefined && {
      budget: {
        ...(tokens !== undefined && { tokens }),
        ...(toolCalls !== undefined && { toolCalls }),
        ...(cost !== undefined && { cost }),
      },
    }),
  }
}
