import type { Json, JsonObject } from '../../contract/json.ts'
import type { Budget } from '../../contract/budget.ts'
import type { Run, RunError, RunStatus, RunSummary } from '../../contract/run.ts'
import { OWNER_COLUMN_OF, toOwner } from './owner-columns.ts'
import type { OwnerColumns } from './owner-columns.ts'
import { selectList } from './select-list.ts'

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
