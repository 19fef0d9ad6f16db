import { v7 as uuidv7 } from 'uuid'
import { parsePrincipal } from '../contract/principal.ts'
import type { Principal } from '../contract/principal.ts'
import { ForkConversationInput, SelectMessageInput } from '../contract/conversation.ts'
import type { Conversation, ForkConversationRequest } from '../contract/conversation.ts'
import { shortened } from '../contract/issues.ts'
import { parseInput } from '../contract/parse-input.ts'
import type { ConversationStore } from '../ports/store/conversation-store.ts'
import type { Access } from './access.ts'
import { refuseConversation } from './conversation-access.ts'
import type { ConversationAccess } from './conversation-access.ts'
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import { sessionOver } from './session-over.ts'
import { assertStorable } from '../contract/storable-json.ts'

/** The branches of a conversation: choosing one, and forking from one. */
export interface ConversationBranches {
  /**
   * Chooses the branch with this message, unless the chosen path has it already. Among several such branches, it takes
   * the one that was continued last. The history and the next runs then follow that branch.
   */
  select(principal: Principal, input: SelectMessageInput): Promise<Conversation>
  /** Creates a conversation for the caller that begins with a copy of the path up to this message. */
  fork(principal: Principal, input: ForkConversationRequest): Promise<Conversation>
}

interface BranchPorts {
  store: ConversationStore
  access: Access
  conversationAccess: ConversationAccess
}

export function createConversationBranches({
  store,
  access,
  conversationAccess,
}: BranchPorts): ConversationBranches {
  return {
    async select(principal, request) {
      const caller = parsePrincipal(principal)
      const { conversationId, messageId } = parseInput(SelectMessageInput, request)
      assertStorable(messageId)
      const owner = await conversationAccess.ownerToChange(caller, 'update', conversationId)
      return (await store.selectBranch(owner, conversationId, messageId)) ?? noSuchMessage(messageId)
    },

    async fork(principal, request) {
      const owner = parsePrincipal(principal)
      const input = parseInput(ForkConversationInput, request)
      assertStorable(input)
      const { conversationId, messageId, title, metadata } = input
      const reach = await conversationAccess.reach(owner, conversationId)
      const source =
        (await store.getConversation(reach, conversationId)) ?? refuseConversation(conversationId)
      await access.assertMay(owner, 'create', { kind: 'conversation', agentKey: source.agentKey })
      const fork = { reach, conversationId, messageId, owner, id: uuidv7(), runId: uuidv7(), title, metadata }
      const made = await store.forkConversation(fork)
      switch (made) {
        case 'not-found':
          return noSuchMessage(messageId)
        case 'unanswered':
          throw new AgentRuntimeError('conflict', 'A fork cannot end with tool calls that have no results.')
        case 'session-over':
          throw sessionOver()
        default:
          return made
      }
    },
  }
}

function noSuchMessage(id: string): never {
  throw new AgentRuntimeError('not_found', `There is no message ${shortened(id)} in the conversation.`)
}
