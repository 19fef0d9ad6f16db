import { OPEN } from '../../lifecycle/statuses.ts'
import { MAX_PROGRESS_RUNS } from '../../ports/conversation-runs.ts'

/** SQL for the `ConversationProgress` of the runs that fulfil the condition `where` on a row `r`. */
export const progressOf = (where: string): string => `
  json_build_object(
    'newest', COALESCE((
      SELECT r.ordinal FROM agent_runtime.run r WHERE ${where} ORDER BY r.ordinal DESC LIMIT 1
    ), 0),
    'open', (
      SELECT COALESCE(json_agg(o ORDER BY o.ordinal), '[]') FROM (
        SELECT r.id, r.ordinal, r.last_seq AS "lastSeq" FROM agent_runtime.run r
        WHERE ${where} AND r.status IN ${OPEN}
        ORDER BY r.ordinal
        LIMIT ${MAX_PROGRESS_RUNS}
      ) o))`
