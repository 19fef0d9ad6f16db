// A branch may begin within a run, and then depends on that run's first messages. When the run is deleted, the branch's
// first run gets a copy of these messages, so that no other run loses its question.
import { execute } from '../connections/transaction.ts'
import type { Executor } from '../connections/transaction.ts'
import { rankOf } from './branch-path.ts'

// A transaction that begins a branch locks the row FOR KEY SHARE. Either it has committed when this gets the lock, or
// it finds the run deleted.
const LOCK = {
  name: 'detach_lock',
  text: `SELECT FROM agent_runtime.run WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE`,
}

const DETACH = {
  name: 'detach_branches',
  text: `
    WITH begun AS (
      SELECT b.conversation_id, b.number, b.before_position, gone.id AS gone_id, (
        SELECT r.id FROM agent_runtime.run r
        WHERE r.conversation_id = b.conversation_id AND r.branch = b.number AND r.id <> ALL ($1::uuid[])
        ORDER BY ${rankOf('r')} LIMIT 1
      ) AS run_id
      FROM agent_runtime.run gone JOIN agent_runtime.branch b
        ON b.conversation_id = gone.conversation_id AND b.from_branch = gone.branch AND b.before_ordinal = ${rankOf('gone')}
      WHERE gone.id = ANY ($1::uuid[]) AND b.before_position > 0
    ), copied AS (
      INSERT INTO agent_runtime.message (run_id, position, conversation_id, origin, body, created_at)
      SELECT begun.run_id,
        row_number() OVER (of_branch ORDER BY m.position) - 1 - count(*) OVER of_branch,
        begun.conversation_id, 'input', m.body, m.created_at
      FROM begun JOIN agent_runtime.message m ON m.run_id = begun.gone_id AND m.position < begun.before_position
      WHERE begun.run_id IS NOT NULL
      WINDOW of_branch AS (PARTITION BY begun.number, begun.conversation_id)
    ), named AS (
      INSERT INTO agent_runtime.run_file (run_id, file_id)
      SELECT begun.run_id, f.file_id FROM begun JOIN agent_runtime.run_file f ON f.run_id = begun.gone_id
      WHERE begun.run_id IS NOT NULL
      ON CONFLICT DO NOTHING
    )
    UPDATE agent_runtime.branch b SET before_position = 0
    FROM begun WHERE b.conversation_id = begun.conversation_id AND b.number = begun.number`,
}

/** Called before runs are deleted whose conversations may continue. */
export async function detachBranches(client: Executor, runIds: readonly string[]): Promise<void> {
  await execute(client, LOCK, [runIds])
  await execute(client, DETACH, [runIds])
}
