import type pg from 'pg'
import type { Conversation, ListConversationsInput } from '../../contract/conversation.ts'
import type { StoredFile } from '../../contract/file.ts'
import type { ListMemoriesInput, StoredMemory } from '../../contract/memory.ts'
import type { Page, PageCursor } from '../../contract/page.ts'
import type { ListSchedulesInput, StoredSchedule } from '../../contract/schedule.ts'
import type { ListRunsInput, Run, SpokenRun } from '../../contract/run.ts'
import type { Owner, Reach } from '../../ports/owner.ts'
import type { PrismaClient } from './generated/client.ts'
import { ownedBy, within } from '../owned-by.ts'
import { isThere } from '../statements/files.ts'
import { CONVERSATION_COLUMNS, toConversation } from '../rows/conversation-row.ts'
import { FILE_COLUMNS, toFile } from '../rows/file-row.ts'
import { MEMORY_COLUMNS, toMemory } from '../rows/memory-row.ts'
import { RUN_COLUMNS, toRun } from '../rows/run-row.ts'
import { SCHEDULE_COLUMNS } from '../rows/schedule-row.ts'
import type { ConversationRow } from '../rows/conversation-row.ts'
import type { FileRow } from '../rows/file-row.ts'
import type { MemoryRow } from '../rows/memory-row.ts'
import type { RunRow } from '../rows/run-row.ts'
import type { ScheduleRow } from '../rows/schedule-row.ts'
import { listRows } from '../statements/list-rows.ts'
import { toSchedule } from '../statements/schedules.ts'
import { SEARCH_MS, toPattern, wordsOccur, wordsOccurInMemory } from '../statements/search-text.ts'
import { SPOKEN_BYTES, spokenColumns, toSpokenRun } from '../statements/spoken-run.ts'
import type { SpokenRow } from '../statements/spoken-run.ts'

export async function isKeyUsed(
  prisma: PrismaClient,
  owner: Owner,
  idempotencyKey: string,
): Promise<boolean> {
  const row = await prisma.run.findFirst({
    where: { idempotencyKey, ...ownedBy(owner) },
    select: { id: true },
  })
  return row !== null
}

interface RunsListing {
  reach: Reach
  filter: Omit<ListRunsInput, 'cursor' | 'scope'>
  cursor: PageCursor | null
}

const LISTED_RUNS = {
  table: 'run',
  large: ['r.params', 'r.metadata', 'r.output', 'r.error'],
  filters: {
    agentKey: ['agent_key', (value: string) => `r.agent_key = ${value}::text`],
    status: ['status', (value: string) => `r.status = ${value}::agent_runtime.run_status`],
    conversationId: ['conversation_id', (value: string) => `r.conversation_id = ${value}::uuid`],
    parentRunId: ['parent_run_id', (value: string) => `r.parent_run_id = ${value}::uuid`],
  },
  existing: 'true',
} as const

export function listRuns(pool: pg.Pool, { filter, ...query }: RunsListing): Promise<Page<Run>> {
  const { limit, ...fields } = filter
  return listRows<RunRow, Run, typeof fields>(
    pool,
    { ...LISTED_RUNS, columns: RUN_COLUMNS, toItem: toRun },
    { ...query, filter: fields, limit },
  )
}

/** As `listRuns`, with the runs' messages, which count towards the bytes of a page. */
export function listSpokenRuns(pool: pg.Pool, { filter, ...query }: RunsListing): Promise<Page<SpokenRun>> {
  const { limit, ...fields } = filter
  return listRows<SpokenRow, SpokenRun, typeof fields>(
    pool,
    {
      ...LISTED_RUNS,
      variant: 'spoken',
      columns: spokenColumns('m.body'),
      furtherBytes: SPOKEN_BYTES,
      toItem: toSpokenRun,
    },
    { ...query, filter: fields, limit },
  )
}

export async function getConversation(
  prisma: PrismaClient,
  reach: Reach,
  conversationId: string,
): Promise<Conversation | null> {
  const row = await prisma.conversation.findFirst({
    where: { id: conversationId, deletedAt: null, ...within(reach) },
  })
  return row === null ? null : toConversation(row)
}

export function listConversations(
  pool: pg.Pool,
  {
    reach,
    filter,
    cursor,
  }: { reach: Reach; filter: Omit<ListConversationsInput, 'cursor' | 'scope'>; cursor: PageCursor | null },
): Promise<Page<Conversation>> {
  const { limit, archived, metadata, search = [], ...rest } = filter
  const fields = {
    ...rest,
    archived: archived === 'all' ? undefined : archived,
    metadata: metadata && JSON.stringify(metadata),
    search: search.length === 0 ? undefined : search.map(toPattern),
  }
  return listRows<ConversationRow, Conversation, typeof fields>(
    pool,
    {
      table: 'conversation',
      columns: CONVERSATION_COLUMNS,
      large: ['r.metadata'],
      filters: {
        agentKey: ['agent_key', (value) => `r.agent_key = ${value}::text`],
        externalId: ['external_id', (value) => `r.external_id = ${value}::text`],
        archived: ['archived', (value) => `(r.archived_at IS NOT NULL) = ${value}::bool`],
        metadata: ['metadata', (value) => `r.metadata @> ${value}::jsonb`],
        search: ['search', wordsOccur, SEARCH_MS],
      },
      existing: 'r.deleted_at IS NULL',
      toItem: toConversation,
    },
    { reach, filter: fields, cursor, limit },
  )
}

export function listFiles(
  pool: pg.Pool,
  query: { reach: Reach; cursor: PageCursor | null; limit: number },
): Promise<Page<StoredFile>> {
  return listRows<FileRow, StoredFile, object>(
    pool,
    {
      table: 'file',
      columns: FILE_COLUMNS,
      large: [],
      filters: {},
      existing: isThere('r'),
      toItem: toFile,
    },
    { ...query, filter: {} },
  )
}

export function listMemories(
  pool: pg.Pool,
  {
    filter: { limit, namespace, search = [] },
    ...query
  }: {
    reach: Reach
    filter: Pick<ListMemoriesInput, 'limit' | 'namespace' | 'search'>
    cursor: PageCursor | null
  },
): Promise<Page<StoredMemory>> {
  const filter = { namespace, search: search.length === 0 ? undefined : search.map(toPattern) }
  return listRows<MemoryRow, StoredMemory, typeof filter>(
    pool,
    {
      table: 'memory',
      columns: MEMORY_COLUMNS,
      large: ['r.value'],
      filters: {
        namespace: ['namespace', (value) => `r.namespace = ${value}::text`],
        search: ['search', wordsOccurInMemory, SEARCH_MS],
      },
      existing: 'true',
      toItem: toMemory,
    },
    { ...query, filter, limit },
  )
}

export function listSchedules(
  pool: pg.Pool,
  {
    filter: { limit, ...filter },
    ...query
  }: { reach: Reach; filter: Pick<ListSchedulesInput, 'limit' | 'agentKey'>; cursor: PageCursor | null },
): Promise<Page<StoredSchedule>> {
  return listRows<ScheduleRow, StoredSchedule, typeof filter>(
    pool,
    {
      table: 'schedule',
      columns: SCHEDULE_COLUMNS,
      large: ['r.input'],
      filters: { agentKey: ['agent_key', (value: string) => `r.agent_key = ${value}::text`] },
      existing: 'true',
      toItem: toSchedule,
    },
    { ...query, filter, limit },
  )
}
