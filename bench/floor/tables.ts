import type { Tables } from '../driver/target-database.ts'
import { EVENTS_PER_FILLED_RUN, FILLED_AGENT_KEY } from '../driver/target.ts'
import { TERMINAL } from './schema.ts'

export const FLOOR_TABLES: Tables = {
  run: 'run',
  event: 'event',
  fill: `
    WITH filled AS (
      INSERT INTO run (id, agent_key, messages, status, finished_at)
      SELECT uuidv7(interval '-1 hour'), '${FILLED_AGENT_KEY}', '[]', 'succeeded', now()
      FROM generate_series(1, $1::int)
      RETURNING id
    )
    INSERT INTO event (run_id, seq, type, payload, ts)
    SELECT
      id, seq, CASE seq WHEN ${EVENTS_PER_FILLED_RUN} THEN '${TERMINAL}' ELSE 'assistant.delta' END,
      jsonb_build_object('messageId', '1', 'content', md5(seq::text)), now()
    FROM filled CROSS JOIN generate_series(1, ${EVENTS_PER_FILLED_RUN}) AS seq`,
}
