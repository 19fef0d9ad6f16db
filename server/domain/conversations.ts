import { v7 as uuidv7 } from 'uuid'
import { parsePrincipal } from '../contract/principal.ts'
import type { Principal } from '../contract/principal.ts'
import type {
  Conversation,
  ConversationDetail,
  CreateConversationInput,
  GetConversationInput,
  ListConversationsInput,
} from '../contract/conversation.ts'
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import { decodeCursor } from '../contract/page.ts'
import type { Page } from '../contract/page.ts'
import { RunStatus } from '../contract/run.ts'
import type { Store } from '../ports/store.ts'
import { assertStorable } from '../storable-json.ts'

/** The use cases of conversations; see {@link Runs} on who may see what. */
export interface Conversations {
  create(principal: Principal, input: CreateConversationInput): Promise<Conversation>
  get(principal: Principal, input: GetConversationInput): Promise<ConversationDetail>
  list(principal: Principal, input: ListConversationsInput): Promise<Page<Conversation>>
}

/** Whose messages are history: also of runs under way, since their input was said. */
const SPOKEN = RunStatus.exclude(['failed', 'cancelled', 'timed_out']).options

export function createConversations(store: Store, agentKeys: ReadonlySet<string>): Conversations {
  return {
    async create(principal, input) {
      const owner = parsePrincipal(principal)
      if (input.agentKey !== undefined && !agentKeys.has(input.agentKey)) {
        throw new AgentRuntimeError('unknown_agent', `There is no agent "${input.agentKey.slice(0, 100)}".`, {
          details: { known: [...agentKeys] },
        })
      }
      assertStorable(input)
      return store.createConversation(owner, {
        id: uuidv7(),
        agentKey: input.agentKey ?? null,
        title: input.title ?? null,
        metadata: input.metadata,
      })
    },

    async get(principal, { conversationId, limit, offset, includeFailedRuns }) {
      const conversation = await store.getConversation(parsePrincipal(principal), conversationId)
      if (conversation === null) {
        throw new AgentRuntimeError('not_found', `There is no conversation ${conversationId}.`)
      }
      const statuses = includeFailedRuns ? RunStatus.options : SPOKEN
      const { messages, total } = await store.readHistory(principal, conversationId, {
        limit,
        offset,
        statuses,
      })
      return {
        ...conversation,
        messages,
        totalMessages: total,
        hasMore: offset + messages.length < total,
      }
    },

    async list(principal, { cursor, ...filter }) {
      const owner = parsePrincipal(principal)
      assertStorable(filter)
      return store.listConversations(owner, filter, cursor === undefined ? null : decodeCursor(cursor))
    },
  }
}
