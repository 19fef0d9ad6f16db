import type { Conversation, ListConversationsInput } from '../../contract/conversation.ts'
import type { JsonObject } from '../../contract/json.ts'
import { Message } from '../../contract/message.ts'
import type { Page, PageCursor } from '../../contract/page.ts'
import { encodeCursor } from '../../contract/page.ts'
import type { ListRunsInput, Run, RunStatus } from '../../contract/run.ts'
import type { Owner } from '../../ports/owner.ts'
import type { Prisma, PrismaClient } from './generated/client.ts'
import { ownedBy } from './owned-by.ts'
import { toConversation, toRun } from './rows.ts'

export async function getRun(
  prisma: PrismaClient,
  owner: Owner,
  runId: string,
): Promise<(Run & { messages: Message[] }) | null> {
  const row = await prisma.run.findFirst({
    where: { id: runId, ...ownedBy(owner) },
    include: { messages: { orderBy: { position: 'asc' }, select: { body: true } } },
  })
  if (row === null) return null
  return { ...toRun(row), messages: row.messages.map((message) => Message.parse(message.body)) }
}

export async function listRuns(
  prisma: PrismaClient,
  query: { owner: Owner; filter: Omit<ListRunsInput, 'cursor'>; cursor: PageCursor | null },
): Promise<Page<Run>> {
  const { agentKey, status, conversationId, limit } = query.filter
  const where = {
    ...ownedBy(query.owner),
    ...(agentKey === undefined ? {} : { agentKey }),
    ...(status === undefined ? {} : { status }),
    ...(conversationId === undefined ? {} : { conversationId }),
  }
  const [rows, count] = await atOneMoment(prisma, [
    prisma.run.findMany({ where: { AND: [where, beyond(query.cursor)] }, ...window(query.cursor, limit) }),
    prisma.run.count({ where }),
  ])
  return toPage(rows.map(toRun), { cursor: query.cursor, limit, count })
}

export async function createConversation(
  prisma: PrismaClient,
  owner: Owner,
  conversation: { id: string; agentKey: string | null; title: string | null; metadata: JsonObject },
): Promise<Conversation> {
  return toConversation(await prisma.conversation.create({ data: { ...conversation, ...ownedBy(owner) } }))
}

export async function getConversation(
  prisma: PrismaClient,
  owner: Owner,
  conversationId: string,
): Promise<Conversation | null> {
  const row = await prisma.conversation.findFirst({ where: { id: conversationId, ...ownedBy(owner) } })
  return row === null ? null : toConversation(row)
}

export async function listConversations(
  prisma: PrismaClient,
  query: { owner: Owner; filter: Omit<ListConversationsInput, 'cursor'>; cursor: PageCursor | null },
): Promise<Page<Conversation>> {
  const { agentKey, limit } = query.filter
  const where = { ...ownedBy(query.owner), ...(agentKey === undefined ? {} : { agentKey }) }
  const [rows, count] = await atOneMoment(prisma, [
    prisma.conversation.findMany({
      where: { AND: [where, beyond(query.cursor)] },
      ...window(query.cursor, limit),
    }),
    prisma.conversation.count({ where }),
  ])
  return toPage(rows.map(toConversation), { cursor: query.cursor, limit, count })
}

export async function readHistory(
  prisma: PrismaClient,
  { owner, conversationId }: { owner: Owner; conversationId: string },
  window: { limit: number; offset: number; statuses: readonly RunStatus[] },
): Promise<{ messages: Message[]; total: number }> {
  const where = { conversationId, run: { ...ownedBy(owner), status: { in: [...window.statuses] } } }
  const [rows, total] = await atOneMoment(prisma, [
    prisma.message.findMany({
      where,
      orderBy: [{ run: { ordinal: 'desc' } }, { position: 'desc' }],
      skip: window.offset,
      take: window.limit,
      select: { body: true },
    }),
    prisma.message.count({ where }),
  ])
  return { messages: rows.toReversed().map((row) => Message.parse(row.body)), total }
}

/** A page and its count must not tell of different moments: a row between the two would look like one more page. */
function atOneMoment<T extends Prisma.PrismaPromise<unknown>[]>(prisma: PrismaClient, queries: [...T]) {
  return prisma.$transaction(queries, { isolationLevel: 'RepeatableRead' })
}

/** Ids are ordered by time, so a page's edge is a comparison of ids. */
function beyond(cursor: PageCursor | null) {
  if (cursor === null) return {}
  return { id: cursor.direction === 'before' ? { lt: cursor.id } : { gt: cursor.id } }
}

/** One row more than asked for tells whether there is a page after this one. */
function window(cursor: PageCursor | null, limit: number) {
  return {
    orderBy: { id: cursor?.direction === 'after' ? ('asc' as const) : ('desc' as const) },
    take: limit + 1,
  }
}

function toPage<T extends { id: string }>(
  rows: T[],
  { cursor, limit, count }: { cursor: PageCursor | null; limit: number; count: number },
): Page<T> {
  const more = rows.length > limit
  const forwards = cursor?.direction === 'after'
  const items = forwards ? rows.slice(0, limit).toReversed() : rows.slice(0, limit)
  const first = items[0]
  const last = items.at(-1)
  const hasOlder = forwards || more
  const hasNewer = forwards ? more : cursor !== null
  return {
    items,
    nextCursor: hasOlder && last !== undefined ? encodeCursor({ direction: 'before', id: last.id }) : null,
    previousCursor:
      hasNewer && first !== undefined ? encodeCursor({ direction: 'after', id: first.id }) : null,
    count,
  }
}
