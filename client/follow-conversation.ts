// Follows a conversation, over as many connections as it takes.
import { AgentRuntimeError } from '../server/contract/agent-runtime-error.ts'
import type { AnyConversationEvent } from '../server/contract/conversation-event.ts'
import { connect } from './connection.ts'
import type { FollowDependencies } from './follow-run.ts'
import { Link } from './link.ts'
import type { EventSelection } from './transport.ts'
import { throwIfAborted } from './older-runtimes.ts'

export type ConversationSignal =
  | { type: 'connected' }
  | { type: 'event'; event: AnyConversationEvent }
  | { type: 'disconnected'; error: AgentRuntimeError }

export interface FollowConversationOptions extends EventSelection {
  /**
   * `cursor` of the last event already seen, or of the conversation; `now` for what is under way or still to come. Default: from
   * the beginning.
   */
  after?: string
  signal?: AbortSignal
}

/**
 * Every event after `after`, once and in order, of runs that are there and of runs to come. Lost connections are opened
 * again from the last event seen. It has no end but the signal's and an error.
 *
 * @throws AgentRuntimeError when another try can't help (not found, unauthorized, …); the signal's reason when it aborts.
 */
export async function* followConversation(
  dependencies: FollowDependencies,
  conversationId: string,
  { after, signal, ...selection }: FollowConversationOptions = {},
): AsyncGenerator<ConversationSignal, void, void> {
  let last = after
  const link = new Link(dependencies)

  for (;;) {
    let failure: AgentRuntimeError | undefined
    link.begin()
    const request = { ...selection, conversationId, lastEventId: last }
    for await (const heard of connect(dependencies.transport, request, signal)) {
      if (heard.type === 'opened') {
        link.opened()
        yield { type: 'connected' }
      } else if (heard.type === 'event') {
        const event = heard.event as AnyConversationEvent
        last = event.cursor
        link.progressed()
        yield { type: 'event', event }
      } else if (heard.type === 'completed') {
        failure = new AgentRuntimeError('unavailable', 'The stream ended.')
      } else if (heard.type === 'failed') {
        failure = heard.error
      }
    }
    throwIfAborted(signal)
    if (failure === undefined) link.overflowed()
    else {
      if (!link.lost(failure)) throw failure
      yield { type: 'disconnected', error: failure }
      await link.due(signal)
    }
  }
}
