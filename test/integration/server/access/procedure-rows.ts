// Every procedure of the router, and what each kind of caller gets. A procedure without a row fails the test.
import { CANCEL, CHANGE, CLAIM, KNOWN, MORE, OPEN, OWN, READ, RESPOND, USERS, ofUsers } from './outcomes.ts'
import { WORD, follow, followConversation, has, outcomeOf } from './scene.ts'
import type { Asker, Things } from './scene.ts'
import { list, onAnyPage } from './row.ts'
import type { Row } from './row.ts'

type TrpcRow = Row<Pick<Asker, 'trpc'>>

/** A row of the router is asked over HTTP and over a socket. */
export const PROCEDURES: readonly TrpcRow[] = [
  { of: 'agents.list', outcomes: KNOWN, ask: ({ trpc }) => outcomeOf(trpc.agents.list.query()) },
  {
    of: 'runs.create',
    outcomes: KNOWN,
    ask: ({ trpc }) => outcomeOf(trpc.runs.create.mutate({ agentKey: 'quick' })),
  },
  {
    of: 'runs.create',
    what: 'in a conversation',
    outcomes: OWN,
    ask: ({ trpc }, { conversation: conversationId }) =>
      outcomeOf(trpc.runs.create.mutate({ agentKey: 'quick', conversationId })),
  },
  {
    of: 'runs.create',
    what: 'with a conversation',
    outcomes: KNOWN,
    ask: ({ trpc }) => outcomeOf(trpc.runs.create.mutate({ agentKey: 'quick', conversation: 'new' })),
  },
  {
    of: 'runs.create',
    what: 'in a conversation by its key',
    outcomes: OWN,
    // Other callers get one of their own.
    ask: ({ trpc }, { externalId, conversation }) =>
      outcomeOf(
        trpc.runs.create
          .mutate({ agentKey: 'quick', conversation: { externalId } })
          .then(({ conversationId }) => has([{ id: String(conversationId) }], conversation)),
      ),
  },
  {
    of: 'runs.get',
    outcomes: READ,
    ask: ({ trpc }, { over: runId }) => outcomeOf(trpc.runs.get.query({ runId })),
  },
  {
    of: 'runs.inspect',
    outcomes: MORE,
    ask: ({ trpc }, { over: runId }) => outcomeOf(trpc.runs.inspect.query({ runId })),
  },
  ...list('runs.list', async ({ trpc }: Pick<Asker, 'trpc'>, scope, { over, conversation: conversationId }) =>
    has((await trpc.runs.list.query({ scope, conversationId })).items, over),
  ),
  {
    of: 'runs.cancel',
    writes: true,
    outcomes: CANCEL,
    ask: ({ trpc }, { queued: runId }) => outcomeOf(trpc.runs.cancel.mutate({ runId })),
  },
  {
    of: 'runs.respond',
    writes: true,
    outcomes: RESPOND,
    ask: ({ trpc }, { waiting: runId }) => outcomeOf(trpc.runs.respond.mutate({ runId, ...WORD })),
  },
  {
    of: 'runs.send',
    writes: true,
    outcomes: CHANGE,
    ask: ({ trpc }, { addressed: runId }) => outcomeOf(trpc.runs.send.mutate({ runId, message: 'Hi' })),
  },
  {
    of: 'runs.events',
    outcomes: READ,
    ask: ({ trpc }, { over: runId }) => outcomeOf(follow(trpc, { runId })),
  },
  {
    of: 'runs.events',
    what: 'all of them',
    outcomes: MORE,
    ask: ({ trpc }, { over: runId }) => outcomeOf(follow(trpc, { runId, includeAll: true })),
  },
  {
    of: 'runs.ticket',
    outcomes: READ,
    ask: ({ trpc }, { over: runId }) => outcomeOf(trpc.runs.ticket.mutate({ runId })),
  },
  {
    of: 'runs.ticket',
    what: 'for all events',
    outcomes: MORE,
    ask: ({ trpc }, { over: runId }) => outcomeOf(trpc.runs.ticket.mutate({ runId, includeAll: true })),
  },
  {
    of: 'sessions.createAnonymous',
    outcomes: OPEN,
    // A caller who has a socket has signed in.
    overSocket: KNOWN,
    ask: ({ trpc }) => outcomeOf(trpc.sessions.createAnonymous.mutate()),
  },
  {
    of: 'sessions.claim',
    outcomes: CLAIM,
    ask: ({ trpc }) => outcomeOf(trpc.sessions.claim.mutate({ token: 'of nobody' })),
  },
  {
    of: 'conversations.create',
    outcomes: KNOWN,
    ask: ({ trpc }) => outcomeOf(trpc.conversations.create.mutate({})),
  },
  {
    of: 'conversations.create',
    what: 'by its key',
    outcomes: OWN,
    ask: ({ trpc }, { externalId, conversation }) =>
      outcomeOf(trpc.conversations.create.mutate({ externalId }).then((found) => has([found], conversation))),
  },
  {
    of: 'conversations.get',
    outcomes: READ,
    ask: ({ trpc }, { conversation: conversationId }) =>
      outcomeOf(trpc.conversations.get.query({ conversationId })),
  },
  {
    of: 'conversations.ticket',
    outcomes: READ,
    ask: ({ trpc }, { conversation: conversationId }) =>
      outcomeOf(trpc.conversations.ticket.mutate({ conversationId })),
  },
  {
    of: 'conversations.ticket',
    what: 'for all events',
    outcomes: MORE,
    ask: ({ trpc }, { conversation: conversationId }) =>
      outcomeOf(trpc.conversations.ticket.mutate({ conversationId, includeAll: true })),
  },
  {
    of: 'conversations.events',
    outcomes: READ,
    ask: ({ trpc }, { conversation: conversationId }) =>
      outcomeOf(followConversation(trpc, { conversationId })),
  },
  {
    of: 'conversations.events',
    what: 'all of them',
    outcomes: MORE,
    ask: ({ trpc }, { conversation: conversationId }) =>
      outcomeOf(followConversation(trpc, { conversationId, includeAll: true })),
  },
  {
    of: 'runs.delete',
    writes: true,
    outcomes: CHANGE,
    ask: ({ trpc }, { over: runId }) => outcomeOf(trpc.runs.delete.mutate({ runId })),
  },
  {
    of: 'conversations.delete',
    writes: true,
    outcomes: CHANGE,
    ask: ({ trpc }, { conversation: conversationId }) =>
      outcomeOf(trpc.conversations.delete.mutate({ conversationId })),
  },
  {
    of: 'conversations.update',
    writes: true,
    outcomes: CHANGE,
    ask: ({ trpc }, { conversation: conversationId }) =>
      outcomeOf(trpc.conversations.update.mutate({ conversationId, title: 'Changed' })),
  },
  {
    of: 'files.get',
    outcomes: READ,
    ask: ({ trpc }, { file: fileId }) => outcomeOf(trpc.files.get.query({ fileId })),
  },
  {
    of: 'files.delete',
    writes: true,
    outcomes: CHANGE,
    ask: ({ trpc }, { file: fileId }) => outcomeOf(trpc.files.delete.mutate({ fileId })),
  },
  ...list('files.list', ({ trpc }: Pick<Asker, 'trpc'>, scope, { file }) =>
    onAnyPage(file, async (cursor) => {
      const page = await trpc.files.list.query({ scope, limit: 200, ...(cursor !== null && { cursor }) })
      return [page.items, page.nextCursor]
    }),
  ),
  {
    of: 'schedules.create',
    outcomes: USERS,
    ask: ({ trpc }) => outcomeOf(trpc.schedules.create.mutate({ agentKey: 'quick', everySeconds: 86_400 })),
  },
  {
    of: 'schedules.get',
    outcomes: ofUsers(READ),
    ask: ({ trpc }, { schedule: scheduleId }) => outcomeOf(trpc.schedules.get.query({ scheduleId })),
  },
  ...list(
    'schedules.list',
    ({ trpc }: Pick<Asker, 'trpc'>, scope, { schedule }) =>
      onAnyPage(schedule, async (cursor) => {
        const page = await trpc.schedules.list.query({
          scope,
          limit: 200,
          ...(cursor !== null && { cursor }),
        })
        return [page.items, page.nextCursor]
      }),
    ofUsers,
  ),
  ...(['pause', 'delete'] as const).map((verb) => ({
    of: `schedules.${verb}`,
    writes: true as const,
    outcomes: ofUsers(CHANGE),
    ask: ({ trpc }: Pick<Asker, 'trpc'>, { schedule: scheduleId }: Things) =>
      outcomeOf(trpc.schedules[verb].mutate({ scheduleId })),
  })),
  ...(['resume', 'runNow'] as const).map((verb) => ({
    of: `schedules.${verb}`,
    outcomes: ofUsers(CHANGE),
    ask: ({ trpc }: Pick<Asker, 'trpc'>, { schedule: scheduleId }: Things) =>
      outcomeOf(trpc.schedules[verb].mutate({ scheduleId })),
  })),
  {
    of: 'memories.get',
    outcomes: READ,
    ask: ({ trpc }, { memory: memoryId }) => outcomeOf(trpc.memories.get.query({ memoryId })),
  },
  ...list('memories.list', ({ trpc }: Pick<Asker, 'trpc'>, scope, { memory }) =>
    onAnyPage(memory, async (cursor) => {
      const page = await trpc.memories.list.query({ scope, limit: 200, ...(cursor !== null && { cursor }) })
      return [page.items, page.nextCursor]
    }),
  ),
  {
    of: 'memories.delete',
    writes: true,
    outcomes: CHANGE,
    ask: ({ trpc }, { memory: memoryId }) => outcomeOf(trpc.memories.delete.mutate({ memoryId })),
  },
  {
    of: 'webhooks.list',
    outcomes: READ,
    ask: ({ trpc }, { conversation: conversationId }) =>
      outcomeOf(trpc.webhooks.list.query({ conversationId })),
  },
  ...list(
    'webhooks.deliveries',
    ({ trpc }: Pick<Asker, 'trpc'>, scope, { delivery }) =>
      onAnyPage(delivery, async (cursor) => {
        const page = await trpc.webhooks.deliveries.query({
          scope,
          limit: 200,
          ...(cursor !== null && { cursor }),
        })
        return [page.items, page.nextCursor]
      }),
    ofUsers,
  ),
  {
    of: 'webhooks.delivery',
    outcomes: ofUsers(READ),
    ask: ({ trpc }, { delivery: deliveryId }) => outcomeOf(trpc.webhooks.delivery.query({ deliveryId })),
  },
  {
    of: 'webhooks.redeliver',
    outcomes: ofUsers(CHANGE),
    ask: ({ trpc }, { delivery: deliveryId }) => outcomeOf(trpc.webhooks.redeliver.mutate({ deliveryId })),
  },
  {
    of: 'conversations.select',
    outcomes: CHANGE,
    ask: ({ trpc }, { conversation: conversationId, over }) =>
      outcomeOf(trpc.conversations.select.mutate({ conversationId, messageId: `${over}:0` })),
  },
  {
    of: 'conversations.queue',
    outcomes: READ,
    ask: ({ trpc }, { conversation: conversationId }) =>
      outcomeOf(trpc.conversations.queue.query({ conversationId })),
  },
  {
    of: 'conversations.move',
    outcomes: CHANGE,
    ask: ({ trpc }, { conversation: conversationId, over }) =>
      outcomeOf(
        trpc.conversations.move.mutate({ conversationId, runId: over, before: over }).catch(unlessTooLate),
      ),
  },
  {
    of: 'conversations.fork',
    outcomes: READ,
    ask: ({ trpc }, { conversation: conversationId, over }) =>
      outcomeOf(trpc.conversations.fork.mutate({ conversationId, messageId: `${over}:0` })),
  },
  ...list('conversations.list', async ({ trpc }: Pick<Asker, 'trpc'>, scope, { conversation, externalId }) =>
    has((await trpc.conversations.list.query({ scope, externalId })).items, conversation),
  ),
]

/** A caller who is told that the run has begun may move it. */
function unlessTooLate(error: { data?: unknown }): void {
  if (!JSON.stringify(error.data).includes('"code":"conflict"')) throw error
}
