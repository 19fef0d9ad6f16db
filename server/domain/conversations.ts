import { v7 as uuidv7 } from 'uuid'
import { parsePrincipal } from '../contract/principal.ts'
import type { Owner, Principal } from '../contract/principal.ts'
import {
  CreateConversationInput,
  GetConversationInput,
  ConversationRef,
  ForkConversationInput,
  ListConversationsInput,
  SelectMessageInput,
  UpdateConversationInput,
} from '../contract/conversation.ts'
import type {
  Conversation,
  ConversationDetail,
  CreateConversationRequest,
  ForkConversationRequest,
  GetConversationRequest,
  ListConversationsRequest,
  UpdateConversationRequest,
} from '../contract/conversation.ts'
import { shortened } from '../contract/issues.ts'
import { MoveTurnInput } from '../contract/queued-turn.ts'
import type { MoveTurnRequest, QueuedTurn } from '../contract/queued-turn.ts'
import { decodeCursor } from '../contract/page.ts'
import type { Page } from '../contract/page.ts'
import { parseInput } from '../contract/parse-input.ts'
import type { Logger } from '../ports/logger.ts'
import { ownerOf } from '../ports/owner.ts'
import type { ConversationStore } from '../ports/store/conversation-store.ts'
import type { DeletionStore } from '../ports/store/deletion-store.ts'
import type { Access } from './access.ts'
import type { AcceptWebhooks } from './caller-webhooks.ts'
import type { ConversationEvents } from './conversation-events.ts'
import type { ConversationTickets } from './tickets.ts'
import type { DeleteAll } from './delete-all.ts'
import { createSearch } from './search.ts'
import { encodePlace, placeAt } from '../events/conversation-place.ts'
import { noSuchConversation } from '../events/conversation-hub.ts'
import type { EventBus } from '../ports/event-bus.ts'
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import { noSuchRun } from './run-events.ts'
import { sessionOver } from './session-over.ts'
import { unknownAgent } from './unknown-agent.ts'
import { assertStorable } from '../contract/storable-json.ts'

/** The use cases of conversations; see {@link Runs} on who may see what. */
export interface Conversations extends ConversationEvents, ConversationTickets {
  /** With an `externalId` that a conversation of the caller's has: answers that one, as it is. */
  create(principal: Principal, input: CreateConversationRequest): Promise<Conversation>
  /** The same, and tells whether it was created. */
  createOrGet(
    principal: Principal,
    input: CreateConversationRequest,
  ): Promise<{ conversation: Conversation; created: boolean }>
  get(principal: Principal, input: GetConversationRequest): Promise<ConversationDetail>
  /** Changes the given fields. */
  update(principal: Principal, input: UpdateConversationRequest): Promise<Conversation>
  /** Deletes it with all its runs. Those under way are stopped, and streams of them end. */
  delete(principal: Principal, conversationId: string): Promise<void>
  /**
   * Chooses the way that has this message, where it is not on the chosen one: a sibling, or what followed it. Of several the
   * one that was gone on with last. History and the next runs go on from there.
   */
  select(principal: Principal, input: SelectMessageInput): Promise<Conversation>
  /** Makes a conversation of the caller's that begins with a copy of all up to this message. */
  fork(principal: Principal, input: ForkConversationRequest): Promise<Conversation>
  list(principal: Principal, input: ListConversationsRequest): Promise<Page<Conversation>>
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

interface ConversationPorts {
  store: ConversationStore & Pick<DeletionStore, 'hideConversation'>
  access: Access
  log: Logger
  deleteAll: DeleteAll
  bus: Pick<EventBus, 'publish'>
  acceptWebhooks: AcceptWebhooks
}

// oxlint-disable-next-line max-lines-per-function -- A list of use cases, closures over the same ports.
export function createConversations(
  { store, access, log, deleteAll, bus, acceptWebhooks }: ConversationPorts,
  agents: ReadonlyMap<string, unknown>,
  events: ConversationEvents & ConversationTickets,
): Conversations {
  function assertKnown(agentKey: string | null | undefined): void {
    if (agentKey && !agents.has(agentKey)) throw unknownAgent(agentKey, agents)
  }

  /**
   * The owner of the conversation, once the caller is allowed the action. The write names that owner, so a conversation
   * that gets another owner meanwhile is left alone.
   */
  async function ownerToChangeFor(
    caller: Principal,
    action: 'update' | 'delete',
    id: string,
  ): Promise<Owner> {
    if (!access.isAsked) return caller
    const reach = (await access.reach(caller, 'conversation')) ?? refuseConversation(id)
    const { owner, agentKey } = (await store.getConversation(reach, id)) ?? refuseConversation(id)
    await access.assertMay(caller, action, { kind: 'conversation', conversation: { id, owner, agentKey } })
    return owner
  }

  const search = createSearch(log)

  async function readQueue(principal: Principal, conversationId: string): Promise<QueuedTurn[]> {
    const caller = parsePrincipal(principal)
    const id = parseInput(ConversationRef, { conversationId }).conversationId
    const reach = (await access.reach(caller, 'conversation')) ?? refuseConversation(id)
    const [conversation, turns] = await Promise.all([
      store.getConversation(reach, id),
      store.listTurns(reach, id),
    ])
    return conversation === null ? refuseConversation(id) : turns
  }

  const createOrGet: Conversations['createOrGet'] = async (principal, request) => {
    const owner = parsePrincipal(principal)
    const input = parseInput(CreateConversationInput, request)
    assertKnown(input.agentKey)
    assertStorable(input)
    const { agentKey = null, webhooks = [] } = input
    await access.assertMay(owner, 'create', { kind: 'conversation', agentKey })
    await acceptWebhooks(owner, webhooks, { owner, agentKey })
    const created = await store.createConversation(owner, {
      id: uuidv7(),
      externalId: input.externalId ?? null,
      agentKey,
      title: input.title ?? null,
      metadata: input.metadata,
      webhooks,
    })
    if (created === null) throw sessionOver()
    return created
  }

  return {
    ...events,

    createOrGet,

    create: async (principal, request) => (await createOrGet(principal, request)).conversation,

    async get(principal, request) {
      const caller = parsePrincipal(principal)
      const { conversationId, limit, offset, includeFailedRuns } = parseInput(GetConversationInput, request)
      const reach = (await access.reach(caller, 'conversation')) ?? refuseConversation(conversationId)
      const conversation =
        (await store.getConversation(reach, conversationId)) ?? refuseConversation(conversationId)
      const { messages, total, progress } = await store.readHistory(reach, conversationId, {
        limit,
        offset,
        includeFailedRuns,
      })
      return {
        ...conversation,
        messages,
        totalMessages: total,
        hasMore: offset + messages.length < total,
        cursor: encodePlace(conversationId, placeAt(progress)),
      }
    },

    async update(principal, request) {
      const caller = parsePrincipal(principal)
      const { conversationId, ...changes } = parseInput(UpdateConversationInput, request)
      assertKnown(changes.agentKey)
      assertStorable(changes)
      const owner = await ownerToChangeFor(caller, 'update', conversationId)
      await acceptWebhooks(caller, changes.webhooks ?? [], { owner, agentKey: changes.agentKey ?? null })
      const updated = await store.updateConversation(owner, conversationId, changes)
      if (updated === 'taken') {
        throw new AgentRuntimeError('conflict', 'Another conversation has that external id.')
      }
      return updated ?? refuseConversation(conversationId)
    },

    async delete(principal, conversationId) {
      const caller = parsePrincipal(principal)
      const id = parseInput(ConversationRef, { conversationId }).conversationId
      const owner = await ownerToChangeFor(caller, 'delete', id)
      // It is hidden from everybody now. If this process dies, a sweep deletes the rest.
      if (!(await store.hideConversation(owner, id))) refuseConversation(id)
      log.info({ conversationId: id, by: ownerOf(caller), owner }, 'a conversation is deleted')
      bus.publish([{ kind: 'conversation', conversationId: id }])
      await deleteAll({ conversationId: id })
    },

    async select(principal, request) {
      const caller = parsePrincipal(principal)
      const { conversationId, messageId } = parseInput(SelectMessageInput, request)
      assertStorable(messageId)
      const owner = await ownerToChangeFor(caller, 'update', conversationId)
      return (await store.selectBranch(owner, conversationId, messageId)) ?? noSuchMessage(messageId)
    },

    async fork(principal, request) {
      const owner = parsePrincipal(principal)
      const input = parseInput(ForkConversationInput, request)
      assertStorable(input)
      const { conversationId, messageId, title, metadata } = input
      const reach = (await access.reach(owner, 'conversation')) ?? refuseConversation(conversationId)
      const source =
        (await store.getConversation(reach, conversationId)) ?? refuseConversation(conversationId)
      await access.assertMay(owner, 'create', { kind: 'conversation', agentKey: source.agentKey })
      const fork = { reach, conversationId, messageId, owner, id: uuidv7(), runId: uuidv7(), title, metadata }
      const made = await store.forkConversation(fork)
      switch (made) {
        case 'not-found':
          return noSuchMessage(messageId)
        case 'unanswered':
          throw new AgentRuntimeError(
            'conflict',
            'A conversation does not begin with calls of tools that have no results.',
          )
        case 'session-over':
          throw sessionOver()
        default:
          return made
      }
    },

    queue: readQueue,

    async move(principal, request) {
      const caller = parsePrincipal(principal)
      const move = parseInput(MoveTurnInput, request)
      const { conversationId } = move
      const outcome = await store.moveTurn(await ownerToChangeFor(caller, 'update', conversationId), move)
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

    async list(principal, request) {
      const caller = parsePrincipal(principal)
      const { cursor, scope, ...filter } = parseInput(ListConversationsInput, request)
      assertStorable(filter)
      const reach = await access.reachWithin(caller, 'conversation', scope)
      const list = () =>
        store.listConversations(reach, filter, cursor === undefined ? null : decodeCursor(cursor))
      return filter.search === undefined ? list() : search(caller, list)
    },
  }
}

function refuseConversation(id: string): never {
  throw noSuchConversation(id)
}

function noSuchMessage(id: string): never {
  throw new AgentRuntimeError('not_found', `There is no message ${shortened(id)} in the conversation.`)
}
