import { Message } from '../../contract/message.ts'
import type { Usage } from '../../contract/budget.ts'
import type { SpokenRun } from '../../contract/run.ts'
import { rowBytesSql } from './bounded-rows.ts'
import { RUN_COLUMNS, toRun } from '../rows/run-row.ts'
import type { RunRow } from '../rows/run-row.ts'

/** A row of `run` with its messages, as {@link spokenColumns} deliver it. */
export interface SpokenRow<TMessage = unknown> extends RunRow {
  messages: TMessage[]
  inputCount: number
  usage: unknown
}

/**
 * The select list that makes a {@link SpokenRow}, for a table named `r`. The usage comes from the run's last event.
 *
 * @param message SQL for the selected form of a message `m`
 */
export const spokenColumns = (message: string): string => `${RUN_COLUMNS}, (
      SELECT COALESCE(json_agg(${message} ORDER BY m.position), '[]')
      FROM agent_runtime.message m WHERE m.run_id = r.id
    ) AS messages, (
      SELECT count(*)::int FROM agent_runtime.message m WHERE m.run_id = r.id AND m.origin = 'input'
    ) AS "inputCount", (
      SELECT e.payload -> 'usage' FROM agent_runtime.event e
      WHERE r.status = 'succeeded' AND e.run_id = r.id AND e.seq = r.last_seq
    ) AS usage`

/** SQL for the approximate bytes of the messages of the run `r`. */
export const SPOKEN_BYTES = `(
      SELECT COALESCE(sum(${rowBytesSql(['m.body'], 0)}), 0) FROM agent_runtime.message m WHERE m.run_id = r.id
    )`

/** For runs that ended before these amounts were counted. */
const UNTOLD = { cachedInputTokens: 0, cost: null }

export function toSpokenRun(row: SpokenRow): SpokenRun {
  return {
    ...toRun(row),
    messages: row.messages.map((body) => Message.parse(body)),
    inputCount: row.inputCount,
    usage: row.usage === null ? null : { ...UNTOLD, ...(row.usage as Usage) },
  }
}
