import type pg from 'pg'
import type { ToldEvent } from '../../ports/attempt.ts'
import { execute } from '../connections/transaction.ts'

const READ_TOLD = {
  name: 'read_told',
  text: `
    SELECT type, COALESCE(payload ->> 'toolCallId', payload ->> 'messageId', payload ->> 'childRunId') AS id
    FROM agent_runtime.event WHERE run_id = $1 AND type = ANY ($2)`,
}

export async function readTold(pool: pg.Pool, runId: string, types: readonly string[]): Promise<ToldEvent[]> {
  return execute<ToldEvent>(pool, READ_TOLD, [runId, types])
}
