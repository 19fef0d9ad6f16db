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
  /** The runs that wait for their turn, the next one first; the first 1,000. To drop one, cancel it. */
  queue(principal: Principal, conversationId: string): Promise<QueuedTurn[]>
  /**
   * Has a run that waits for its turn come right before, or right after, another one that does. Its history then has what those
   * before it said.
   *
   * @returns the queue as it is then.
   * @throws AgentRuntimeError `conflict` where either has begun by then, or is over.
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
          throw new AgentRuntimeError(
            'conflict',
            `The run ${outcome.runId} does not wait for its turn any more.`,
          )
        case 'begins-branch':
          throw new AgentRuntimeError(
            'conflict',
            'A run that takes the place of a message comes before those that follow it.',
          )
        case 'moved':
          bus.publish([{ kind: 'conversation', conversationId }])
          return readQueue(caller, conversationId)
      }
    },
  }
}
