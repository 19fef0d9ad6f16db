import { parsePrincipal } from '../contract/principal.ts'
import type { Principal } from '../contract/principal.ts'
import { ConversationRef } from '../contract/conversation.ts'
import { MoveTurnInput } from '../contract/queued-turn.ts'
import type { MoveTurnRequest, QueuedTurn } from '../contract/queued-turn.ts'
import { parseInput } from '../contract/parse-input.ts'
import type { ConversationStore } from '../ports/store/conversation-store.ts'
import { refuseConversation } from './conversation-access.ts'
import type { ConversationAccess } from './conversation-access.ts'
import type { EventBus } from '../ports/event-bus.ts'
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import { noSuchRun } from './run-events.ts'

/** The runs that wait for their turn in a conversation. */
export interface ConversationTurns {
  /** The first 1,000 runs that wait for their turn, the next one first. To drop one, cancel it. */
  queue(principal: Principal, conversationId: string): Promise<QueuedTurn[]>
  /**
   * Moves a waiting run right before or right after another waiting run. Its history then has the messages of all runs
   * before it.
   *
   * @returns the queue after the move.
   * @throws AgentRuntimeError `conflict` when either run has begun meanwhile, or is over.
   */
  move(principal: Principal, input: MoveTurnRequest): Promise<QueuedTurn[]>
}

interface TurnPorts {
  store: ConversationStore
  conversationAccess: ConversationAccess
  bus: Pick<EventBus, 'publish'>
}

export function createConversationTurns({ store, conversationAccess, bus }: TurnPorts): ConversationTurns {
  async function readQueue(principal: Principal, conversationId: string): Promise<QueuedTurn[]> {
    const caller = parsePrincipal(principal)
    const id = parseInput(ConversationRef, { conversationId }).conversationId
    const reach = await conversationAccess.reach(caller, id)
    const [conversation, turns] = await Promise.all([
      store.getConversation(reach, id),
      store.listTurns(reach, id),
    ])
    return conversation === null ? refuseConversation(id) : turns
  }

  return {
    queue: readQueue,

    async move(principal, request) {
      const caller = parsePrincipal(principal)
      const move = parseInput(MoveTurnInput, request)
      const { conversationId } = move
      const outcome = await store.moveTurn(
        await conversationAccess.ownerToChange(caller, 'update', conversationId),
        move,
      )
      switch (outcome.kind) {
        case 'no-conversation':
          return refuseConversation(conversationId)
        case 'no-run':
          return noSuchRun(outcome.runId)
        case 'not-waiting':
          throw new AgentRuntimeError('conflict', `The run ${outcome.runId} no longer waits for its turn.`)
        case 'begins-branch':
          throw new AgentRuntimeError('conflict', 'No run can come before the one that began its branch.')
        case 'moved':
          bus.publish([{ kind: 'conversation', conversationId }])
          return readQueue(caller, conversationId)
      }
    },
  }
}
