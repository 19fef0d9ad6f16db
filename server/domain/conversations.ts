import { v7 as uuidv7 } from 'uuid'
import { parsePrincipal } from '../contract/principal.ts'
import type { Principal } from '../contract/principal.ts'
import {
  CreateConversationInput,
  GetConversationInput,
  ConversationRef,
  ListConversationsInput,
  UpdateConversationInput,
} from '../contract/conversation.ts'
import type {
  Conversation,
  ConversationDetail,
  CreateConversationRequest,
  GetConversationRequest,
  ListConversationsRequest,
  UpdateConversationRequest,
} from '../contract/conversation.ts'
import { decodeCursor } from '../contract/page.ts'
import type { Page } from '../contract/page.ts'
import { parseInput } from '../contract/parse-input.ts'
import type { Logger } from '../ports/logger.ts'
import { ownerOf } from '../ports/owner.ts'
import type { ConversationStore } from '../ports/store/conversation-store.ts'
import type { DeletionStore } from '../ports/store/deletion-store.ts'
import type { Access } from './access.ts'
import { createConversationAccess, refuseConversation } from './conversation-access.ts'
import { createConversationBranches } from './conversation-branches.ts'
import type { ConversationBranches } from './conversation-branches.ts'
import { createConversationTurns } from './conversation-turns.ts'
import type { ConversationTurns } from './conversation-turns.ts'
import type { AcceptWebhooks } from './caller-webhooks.ts'
import type { ConversationEvents } from './conversation-events.ts'
import type { ConversationTickets } from './tickets.ts'
import type { DeleteAll } from './delete-all.ts'
import { createSearch } from './search.ts'
import { encodePlace, placeAt } from '../events/conversation-place.ts'
import type { EventBus } from '../ports/event-bus.ts'
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import { sessionOver } from './session-over.ts'
import { unknownAgent } from './unknown-agent.ts'
import type { FindBrokenOff } from './broken-off.ts'
import type { FindShownRuns } from './shown-runs.ts'
import type { WithReasoning } from './with-reasoning.ts'
import { assertStorable } from '../contract/storable-json.ts'

/** The use cases of conversations; see {@link Runs} on who may see what. */
export interface Conversations
  extends ConversationEvents, ConversationTickets, ConversationBranches, ConversationTurns {
  /** Creates a conversation. If the caller has one with this `externalId`, returns it unchanged. */
  create(principal: Principal, input: CreateConversationRequest): Promise<Conversation>
  /** As `create`, and also tells whether it was created. */
  createOrGet(
    principal: Principal,
    input: CreateConversationRequest,
  ): Promise<{ conversation: Conversation; created: boolean }>
  get(principal: Principal, input: GetConversationRequest): Promise<ConversationDetail>
  /** Changes the given fields. */
  update(principal: Principal, input: UpdateConversationRequest): Promise<Conversation>
  /** Deletes it with all its runs. Runs under way are stopped, and their streams end. */
  delete(principal: Principal, conversationId: string): Promise<void>
  list(principal: Principal, input: ListConversationsRequest): Promise<Page<Conversation>>
}

interface ConversationPorts {
  store: ConversationStore & Pick<DeletionStore, 'hideConversation'>
  access: Access
  log: Logger
  deleteAll: DeleteAll
  bus: Pick<EventBus, 'publish'>
  acceptWebhooks: AcceptWebhooks
  findShownRuns: FindShownRuns
  withReasoning: WithReasoning
  findBrokenOff: FindBrokenOff
}

// oxlint-disable-next-line max-lines-per-function -- A list of use cases, closures over the same ports.
export function createConversations(
  {
    store,
    access,
    log,
    deleteAll,
    bus,
    acceptWebhooks,
    findShownRuns,
    withReasoning,
    findBrokenOff,
  }: ConversationPorts,
  agents: ReadonlyMap<string, unknown>,
  events: ConversationEvents & ConversationTickets,
): Conversations {
  function assertKnown(agentKey: string | null | undefined): void {
    if (agentKey && !agents.has(agentKey)) throw unknownAgent(agentKey, agents)
  }

  const conversationAccess = createConversationAccess(store, access)
  const search = createSearch(log)

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
    ...createConversationBranches({ store, access, conversationAccess }),
    ...createConversationTurns({ store, conversationAccess, bus }),

    createOrGet,

    create: async (principal, request) => (await createOrGet(principal, request)).conversation,

    async get(principal, request) {
      const caller = parsePrincipal(principal)
      const { conversationId, limit, offset, includeFailedRuns, includeDebug } = parseInput(
        GetConversationInput,
        request,
      )
      const reach = await conversationAccess.reach(caller, conversationId)
      const conversation =
        (await store.getConversation(reach, conversationId)) ?? refuseConversation(conversationId)
      const { messages, total, progress } = await store.readHistory(reach, conversationId, {
        limit,
        offset,
        includeFailedRuns,
      })
      const filter = { includeDebug, includeAll: false }
      let asked: ReturnType<FindShownRuns> | undefined
      const findShown = () =>
        (asked ??= findShownRuns(caller, [...new Set(messages.map(({ runId }) => runId))], filter))
      const [said, brokenOff] = await Promise.all([
        withReasoning(messages, filter, findShown),
        findBrokenOff(messages, filter, findShown),
      ])
      return {
        ...conversation,
        ...{ messages: said, ...(brokenOff.length > 0 && { brokenOff }) },
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
      const owner = await conversationAccess.ownerToChange(caller, 'update', conversationId)
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
      const owner = await conversationAccess.ownerToChange(caller, 'delete', id)
      // It is hidden from everybody now. If this process dies, a sweep deletes the rest.
      if (!(await store.hideConversation(owner, id))) refuseConversation(id)
      log.info({ conversationId: id, by: ownerOf(caller), owner }, 'a conversation is deleted')
      bus.publish([{ kind: 'conversation', conversationId: id }])
      await deleteAll({ conversationId: id })
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
