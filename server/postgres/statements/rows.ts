import type { Conversation } from '../../contract/conversation.ts'
import type { StoredFile } from '../../contract/file.ts'
import type { JsonObject, Json } from '../../contract/json.ts'
import type { StoredMemory } from '../../contract/memory.ts'
import type { Owner } from '../../contract/principal.ts'
import type { Budget, Run, RunError, RunStatus, RunSummary } from '../../contract/run.ts'
import { TENANT_KIND } from '../owned-by.ts'

/** Whose a row is, as both Prisma and a select list deliver it. */
export interface OwnerColumns {
  tenantId: string
  ownerId: string
  ownerKind: string
}

const OWNER_COLUMN_OF = {
  tenantId: 'tenant_id',
  ownerId: 'owner_id',
  ownerKind: 'owner_kind',
} satisfies Record<keyof OwnerColumns, string>

/** A row of `run` as both Prisma and {@link RUN_COLUMNS} deliver it. */
export interface RunRow extends OwnerColumns {
  id: string
  agentKey: string
  status: RunStatus
  conversationId: string | null
  params: unknown
  metadata: unknown
  output: unknown
  error: unknown
  idempotencyKey: string | null
  attempt: number
  maxAttempts: number
  budget: unknown
  priority: number
  runAt: Date | null
  expiresAt: Date | null
  lastSeq: number
  cancelRequestedAt: Date | null
  parentRunId: string | null
  rootRunId: string | null
  depth: number | null
  createdAt: Date
  startedAt: Date | null
  finishedAt: Date | null
}

const RUN_COLUMN_OF = {
  id: 'id',
  ...OWNER_COLUMN_OF,
  agentKey: 'agent_key',
  status: 'status',
  conversationId: 'conversation_id',
  params: 'params',
  metadata: 'metadata',
  output: 'output',
  error: 'error',
  idempotencyKey: 'idempotency_key',
  attempt: 'attempt',
  maxAttempts: 'max_attempts',
  budget: 'budget',
  priority: 'priority',
  runAt: 'run_at',
  expiresAt: 'expires_at',
  lastSeq: 'last_seq',
  cancelRequestedAt: 'cancel_requested_at',
  parentRunId: 'parent_run_id',
  rootRunId: 'root_run_id',
  depth: 'depth',
  createdAt: 'created_at',
  startedAt: 'started_at',
  finishedAt: 'finished_at',
} satisfies Record<keyof RunRow, string>

/** The select list that makes a {@link RunRow}, for a table or CTE named `r`. */
export const RUN_COLUMNS = selectList(RUN_COLUMN_OF)

export function toRun(row: RunRow): Run {
  return {
    id: row.id,
    owner: toOwner(row),
    agentKey: row.agentKey,
    status: row.status,
    conversationId: row.conversationId,
    params: row.params as Json,
    metadata: row.metadata as JsonObject,
    output: row.output as Json,
    error: row.error as RunError | null,
    idempotencyKey: row.idempotencyKey,
    attempt: row.attempt,
    maxAttempts: row.maxAttempts,
    budget: row.budget as Budget | null,
    priority: row.priority,
    runAt: row.runAt?.toISOString() ?? null,
    expiresAt: row.expiresAt?.toISOString() ?? null,
    lastSeq: row.lastSeq,
    cancelRequestedAt: row.cancelRequestedAt?.toISOString() ?? null,
    parentRunId: row.parentRunId,
    rootRunId: row.rootRunId,
    depth: row.depth ?? 0,
    createdAt: row.createdAt.toISOString(),
    startedAt: row.startedAt?.toISOString() ?? null,
    finishedAt: row.finishedAt?.toISOString() ?? null,
  }
}

export type SummaryRow = Pick<RunRow, keyof OwnerColumns | 'id' | 'agentKey' | 'status' | 'conversationId'>

/** The select list that makes a {@link SummaryRow}, for a table named `r`. */
export const SUMMARY_COLUMNS = selectList({
  id: RUN_COLUMN_OF.id,
  ...OWNER_COLUMN_OF,
  agentKey: RUN_COLUMN_OF.agentKey,
  status: RUN_COLUMN_OF.status,
  conversationId: RUN_COLUMN_OF.conversationId,
} satisfies Record<keyof SummaryRow, string>)

export function toSummary(row: SummaryRow): RunSummary {
  const { id, agentKey, status, conversationId } = row
  return { id, owner: toOwner(row), agentKey, status, conversationId }
}

export interface ConversationRow extends OwnerColumns {
  id: string
  agentKey: string | null
  externalId: string | null
  title: string | null
  metadata: unknown
  createdAt: Date
  updatedAt: Date
  archivedAt: Date | null
}

const CONVERSATION_COLUMN_OF = {
  id: 'id',
  ...OWNER_COLUMN_OF,
  agentKey: 'agent_key',
  externalId: 'external_id',
  title: 'title',
  metadata: 'metadata',
  createdAt: 'created_at',
  updatedAt: 'updated_at',
  archivedAt: 'archived_at',
} satisfies Record<keyof ConversationRow, string>

/** The select list that makes a {@link ConversationRow}, for a table named `r`. */
export const CONVERSATION_COLUMNS = selectList(CONVERSATION_COLUMN_OF)

export function toConversation(row: ConversationRow): Conversation {
  return {
    id: row.id,
    owner: toOwner(row),
    agentKey: row.agentKey,
    externalId: row.externalId,
    title: row.title,
    metadata: row.metadata as JsonObject,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
    archivedAt: row.archivedAt?.toISOString() ?? null,
  }
}

export interface FileRow extends OwnerColumns {
  id: string
  name: string | null
  mediaType: string
  size: number
  sha256: Buffer
  createdAt: Date
  expiresAt: Date | null
}

const FILE_COLUMN_OF = {
  id: 'id',
  ...OWNER_COLUMN_OF,
  name: 'name',
  mediaType: 'media_type',
  size: 'size',
  sha256: 'sha256',
  createdAt: 'created_at',
  expiresAt: 'expires_at',
} satisfies Record<keyof FileRow, string>

/** The select list that makes a {@link FileRow}, for a table named `r`. */
export const FILE_COLUMNS = selectList(FILE_COLUMN_OF)

export function toFile(row: FileRow): StoredFile {
  const { id, name, mediaType, size } = row
  return {
    id,
    owner: toOwner(row),
    name,
    mediaType,
    size,
    sha256: row.sha256.toString('hex'),
    createdAt: row.createdAt.toISOString(),
    expiresAt: row.expiresAt?.toISOString() ?? null,
  }
}

export interface ScheduleRow extends OwnerColumns {
  id: string
  name: string | null
  agentKey: string
  cron: string | null
  everySeconds: number | null
  timeZone: string
  input: unknown
  conversationId: string | null
  pausedAt: Date | null
  nextAt: Date | null
  lastAt: Date | null
  lastRunId: string | null
  lastError: string | null
  createdAt: Date
  updatedAt: Date
}

const SCHEDULE_COLUMN_OF = {
  id: 'id',
  ...OWNER_COLUMN_OF,
  name: 'name',
  agentKey: 'agent_key',
  cron: 'cron',
  everySeconds: 'every_seconds',
  timeZone: 'time_zone',
  input: 'input',
  conversationId: 'conversation_id',
  pausedAt: 'paused_at',
  nextAt: 'next_at',
  lastAt: 'last_at',
  lastRunId: 'last_run_id',
  lastError: 'last_error',
  createdAt: 'created_at',
  updatedAt: 'updated_at',
} satisfies Record<keyof ScheduleRow, string>

/** The select list that makes a {@link ScheduleRow}, for a table named `r`. */
export const SCHEDULE_COLUMNS = selectList(SCHEDULE_COLUMN_OF)

export interface MemoryRow extends OwnerColumns {
  id: string
  namespace: string
  key: string
  value: unknown
  createdAt: Date
  updatedAt: Date
}

const MEMORY_COLUMN_OF = {
  id: 'id',
  ...OWNER_COLUMN_OF,
  namespace: 'namespace',
  key: 'key',
  value: 'value',
  createdAt: 'created_at',
  updatedAt: 'updated_at',
} satisfies Record<keyof MemoryRow, string>

/** The select list that makes a {@link MemoryRow}, for a table named `r`. */
export const MEMORY_COLUMNS = selectList(MEMORY_COLUMN_OF)

export function toMemory(row: MemoryRow): StoredMemory {
  const { id, tenantId, namespace, key } = row
  return {
    id,
    owner: row.ownerKind === TENANT_KIND ? null : toOwner(row),
    tenantId,
    namespace,
    key,
    value: row.value as Json,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  }
}

export function toOwner({ tenantId, ownerId, ownerKind }: OwnerColumns): Owner {
  return { id: ownerId, tenantId, kind: ownerKind as Owner['kind'] }
}

function selectList(columnOf: Record<string, string>): string {
  return Object.entries(columnOf)
    .map(([field, column]) => `r.${column} AS "${field}"`)
    .join(', ')
}
