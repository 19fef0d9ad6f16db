import type { AgentOutputType } from '@openai/agents'
import { withinCallScope } from '../../agent/call-scope.ts'
import type { Approval } from '../../agent/wait.ts'
import { parseToolArguments } from '../../models/provider/tool-arguments.ts'
import { failureText } from '../tool-results.ts'
import type { AgentRun, State } from './agent-run.ts'

/** Asks for all at once, for which the attempt may end. */
export async function answerApprovals<TContext, TOutput extends AgentOutputType>(
  { ctx, journal }: AgentRun<TContext, TOutput>,
  state: State<TContext, TOutput>,
): Promise<void> {
  const items = state.getInterruptions()
  const answer = `${journal.name} ${state._modelResponses.length}`
  const approvals = await Promise.all(
    items.map((item, index) => {
      const { callId } = Object(item.rawItem) as { callId?: string }
      const call = { name: item.name ?? 'tool', arguments: parseToolArguments(item.arguments ?? '') }
      const asked = { ...call, ...(callId === undefined ? {} : { toolCallId: callId }) }
      // Leave for an earlier call is none for the same call of a later answer, which the SDK may ask for without coming to the earlier one.
      return withinCallScope(`${answer} ${index} ${callId ?? ''}`, () => ctx.approve(asked))
    }),
  )
  for (const [index, item] of items.entries()) {
    const approval = approvals[index] as Approval
    if (approval.approved) state.approve(item)
    else state.reject(item, { message: failureText(refusalOf(approval)) })
  }
}

function refusalOf(approval: Exclude<Approval, { approved: true }>): string {
  const why = approval.reason === 'denied' ? 'was denied' : 'was not approved in time'
  return `The call ${why}.${approval.comment === null ? '' : ` ${approval.comment}`}`
}
