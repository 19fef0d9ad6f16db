import { OWNER_COLUMN_OF } from './owner-columns.ts'
import type { OwnerColumns } from './owner-columns.ts'
import { selectList } from './select-list.ts'

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
