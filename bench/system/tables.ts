import { OWNER_ID, TENANT_ID } from '../driver/identity.ts'
import type { Tables } from '../driver/target-database.ts'
import { EVENTS_PER_FILLED_RUN, FILLED_AGENT_KEY } from '../driver/target.ts'

const CROWD_AGENT_KEY = 'crowd'

export const SYSTEM_TABLES: Tables = {
  run: 'agent_runtime.run',
  event: 'agent_runtime.event',
  fill: `
    WITH filled AS (
      INSERT INTO agent_runtime.run (
        id, tenant_id, owner_id, agent_key, status, attempt, max_attempts, last_seq, timeout_ms, finished_at)
      SELECT
        uuidv7(interval '-1 hour'), '${TENANT_ID}', '${OWNER_ID}', '${FILLED_AGENT_KEY}', 'succeeded',
        1, 1, ${EVENTS_PER_FILLED_RUN}, 900000, now()
      FROM generate_series(1, $1::int)
      RETURNING id
    )
    INSERT INTO agent_runtime.event (run_id, seq, attempt, type, visibility, payload, ts)
    SELECT
      id, seq, 1,
      CASE seq WHEN ${EVENTS_PER_FILLED_RUN} THEN 'run.succeeded' ELSE 'assistant.delta' END,
      CASE seq WHEN ${EVENTS_PER_FILLED_RUN} THEN 'internal' ELSE 'user' END::agent_runtime.visibility,
      jsonb_build_object('messageId', '1', 'content', md5(seq::text)), now()
    FROM filled CROSS JOIN generate_series(1, ${EVENTS_PER_FILLED_RUN}) AS seq`,
  // These runs have no deliveries, since no worker should take them.
  crowd: {
    add: `
      WITH place AS (
        SELECT number, uuidv7() AS id FROM generate_series(1, $1::int) AS number
      ), conversations AS (
        INSERT INTO agent_runtime.conversation (id, tenant_id, owner_id, agent_key)
        SELECT id, '${TENANT_ID}', '${OWNER_ID}', '${CROWD_AGENT_KEY}' FROM place
      ), runs AS (
        SELECT id AS conversation_id, NULL::bigint AS turn FROM place
        UNION ALL
        SELECT id, nextval('agent_runtime.run_turn_seq')
        FROM generate_series(1, $2::int) AS waiting JOIN place ON number = 1 + waiting % ($1::int / 10)
      )
      INSERT INTO agent_runtime.run (
        id, tenant_id, owner_id, agent_key, conversation_id, turn, max_attempts, timeout_ms)
      SELECT uuidv7(), '${TENANT_ID}', '${OWNER_ID}', '${CROWD_AGENT_KEY}', conversation_id, turn, 1, 900000 FROM runs`,
    remove: `DELETE FROM agent_runtime.conversation WHERE agent_key = '${CROWD_AGENT_KEY}'`,
  },
}
