import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import type { CreatedRun } from '../ports/create-run.ts'
import { noSuchFile } from './no-such-file.ts'
import { sessionOver } from './session-over.ts'

export type RefusedRun = Exclude<CreatedRun, { kind: 'created' | 'existing' | 'steered' }>

/** `Retry-After` when too many runs wait in a conversation. A guess: nobody knows when there is room again. */
const FULL_RETRY_SECONDS = 5

/** After this time unread messages have usually become the next run. */
const LEAVING_RETRY_SECONDS = 1

/** The error for a run that the database has refused to create. */
export function refusalOf(refused: RefusedRun, conversationId: string | undefined): AgentRuntimeError {
  switch (refused.kind) {
    case 'no-conversation':
      return new AgentRuntimeError('not_found', `There is no conversation ${conversationId}.`)
    case 'no-file':
      return noSuchFile(refused.fileId)
    case 'busy':
      return new AgentRuntimeError('conflict', 'Another run of this conversation is under way.', {
        details: { runId: refused.runId },
      })
    case 'leaving':
      return new AgentRuntimeError(
        'conflict',
        'Messages that the last run of this conversation did not read are about to become its next run: try again in a moment.',
        { details: { reason: 'unread_messages', retryAfterSeconds: LEAVING_RETRY_SECONDS } },
      )
    case 'full':
      return new AgentRuntimeError(
        'rate_limited',
        `${refused.waiting} runs wait for their turn in this conversation: try again when some of them are over.`,
        { details: { waiting: refused.waiting, retryAfterSeconds: FULL_RETRY_SECONDS } },
      )
    case 'no-place':
      return noPlace(refused.reason)
    case 'session-over':
      return sessionOver()
    case 'key-taken':
      return new AgentRuntimeError(
        'conflict',
        'The idempotency key was used for another agent, conversation, messages or params.',
        { details: { runId: refused.runId } },
      )
  }
}

function noPlace(reason: Extract<RefusedRun, { kind: 'no-place' }>['reason']): AgentRuntimeError {
  switch (reason) {
    case 'missing':
      return new AgentRuntimeError(
        'not_found',
        'The message whose place the run should take is not in the conversation.',
      )
    case 'tool-result':
      return new AgentRuntimeError(
        'conflict',
        "A run cannot take the place of a tool's result: the call would have none.",
      )
    case 'waiting':
      return new AgentRuntimeError('conflict', 'That run waits for its turn: cancel it, and create another.')
  }
}
