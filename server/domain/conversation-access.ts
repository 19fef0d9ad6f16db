import type { Owner, Principal } from '../contract/principal.ts'
import type { Reach } from '../ports/owner.ts'
import type { ConversationStore } from '../ports/store/conversation-store.ts'
import type { Access } from './access.ts'
import { noSuchConversation } from '../events/conversation-hub.ts'

/** Checks who may read and change a conversation. */
export interface ConversationAccess {
  /**
   * How far the caller sees conversations. @throws AgentRuntimeError `not_found` for this one when the caller sees none
   */
  reach(caller: Principal, id: string): Promise<Reach>
  /**
   * Checks that the caller may do this, and returns the conversation's owner. The write names that owner, so it does
   * nothing if the conversation gets another owner meanwhile.
   */
  ownerToChange(caller: Principal, action: 'update' | 'delete', id: string): Promise<Owner>
}

export function createConversationAccess(
  store: Pick<ConversationStore, 'getConversation'>,
  access: Access,
): ConversationAccess {
  async function reach(caller: Principal, id: string): Promise<Reach> {
    return (await access.reach(caller, 'conversation')) ?? refuseConversation(id)
  }

  return {
    reach,
    async ownerToChange(caller, action, id) {
      if (!access.isAsked) return caller
      const { owner, agentKey } =
        (await store.getConversation(await reach(caller, id), id)) ?? refuseConversation(id)
      await access.assertMay(caller, action, { kind: 'conversation', conversation: { id, owner, agentKey } })
      return owner
    },
  }
}

export function refuseConversation(id: string): never {
  throw noSuchConversation(id)
}
