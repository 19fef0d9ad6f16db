import type { Conversation } from '../../contract/conversation.ts'
import type { JsonObject, Json } from '../../contract/json.ts'
import type { Run, RunError, RunStatus } from '../../contract/run.ts'

/** A row of `run` as both Prisma and {@link RUN_COLUMNS} deliver it. */
export interface RunRow {
  id: string
  agentKey: string
  status: RunStatus
  conversationId: string | null
  params: unknown
  metadata: unknown
  output: unknown
  error: unknown
  attempt: number
  maxAttempts: number
  priority: number
  runAt: Date | null
  expiresAt: Date | null
  lastSeq: number
  cancelRequestedAt: Date | null
  createdAt: Date
  startedAt: Date | null
  finishedAt: Date | null
}

/** The select list that makes a {@link RunRow}, for a table or CTE named `r`. */
export const RUN_COLUMNS = `
  r.id, r.agent_key AS "agentKey", r.status, r.conversation_id AS "conversationId", r.params, r.metadata,
  r.output, r.error, r.attempt, r.max_attempts AS "maxAttempts", r.priority,
  r.run_at AS "runAt", r.expires_at AS "expiresAt", r.last_seq AS "lastSeq",
  r.cancel_requested_at AS "cancelRequestedAt", r.created_at AS "createdAt", r.started_at AS "startedAt",
  r.finished_at AS "finishedAt"`

export function toRun(row: RunRow): Run {
  return {
    id: row.id,
    agentKey: row.agentKey,
    status: row.status,
    conversationId: row.conversationId,
    params: row.params as Json,
    metadata: row.metadata as JsonObject,
    output: row.output as Json,
    error: row.error as RunError | null,
    attempt: row.attempt,
    maxAttempts: row.maxAttempts,
    priority: row.priority,
    runAt: row.runAt?.toISOString() ?? null,
    expiresAt: row.expiresAt?.toISOString() ?? null,
    lastSeq: row.lastSeq,
    cancelRequestedAt: row.cancelRequestedAt?.toISOString() ?? null,
    createdAt: row.createdAt.toISOString(),
    startedAt: row.startedAt?.toISOString() ?? null,
    finishedAt: row.finishedAt?.toISOString() ?? null,
  }
}

export interface ConversationRow {
  id: string
  agentKey: string | null
  title: string | null
  metadata: unknown
  createdAt: Date
  updatedAt: Date
}

/** The select list that makes a {@link ConversationRow}, for a table named `r`. */
export const CONVERSATION_COLUMNS = `
  r.id, r.agent_key AS "agentKey", r.title, r.metadata, r.created_at AS "createdAt", r.updated_at AS "updatedAt"`

export function toConversation(row: ConversationRow): Conversation {
  return {
    id: row.id,
    agentKey: row.agentKey,
    title: row.title,
    metadata: row.metadata as JsonObject,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  }
}
