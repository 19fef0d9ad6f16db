import type pg from 'pg'
import { titleOf } from '../../contract/title-of.ts'
import { hasConversationOfItsOwn } from '../../ports/create-run.ts'
import type { NewRun } from '../../ports/create-run.ts'
import { execute } from '../connections/transaction.ts'
import { ownerValues } from '../owned-by.ts'
import type { Gate } from './gates.ts'
import { RUN_COLUMNS } from '../rows/run-row.ts'
import type { RunRow } from '../rows/run-row.ts'

/** What is decided about a run under its conversation's lock. */
export interface Place {
  waitsForTurn: boolean
  gate: Gate | null
  branch: number
  /** Its conversation has no title. */
  isUntitled: boolean
}

const ALONE: Place = { waitsForTurn: false, gate: null, branch: 0, isUntitled: false }

interface Inserted {
  run: NewRun
  owner: ReturnType<typeof ownerValues>
}

/** The columns of a new run. The statement itself sets its turn and ordinal. */
const COLUMNS: readonly [column: string, type: string, valueOf: (inserted: Inserted) => unknown][] = [
  ['id', 'uuid', ({ run }) => run.id],
  ['tenant_id', 'text', ({ owner: [tenantId] }) => tenantId],
  ['owner_id', 'text', ({ owner: [, id] }) => id],
  ['owner_kind', 'text', ({ owner: [, , kind] }) => kind],
  ['conversation_id', 'uuid', ({ run }) => run.conversationId],
  ['agent_key', 'text', ({ run }) => run.agentKey],
  ['params', 'jsonb', ({ run }) => (run.params === null ? null : JSON.stringify(run.params))],
  ['metadata', 'jsonb', ({ run }) => JSON.stringify(run.metadata)],
  ['preferences', 'jsonb', ({ run }) => (run.preferences === null ? null : JSON.stringify(run.preferences))],
  ['max_attempts', 'int', ({ run }) => run.maxAttempts],
  ['timeout_ms', 'int', ({ run }) => run.timeoutMs],
  ['budget', 'jsonb', ({ run }) => (run.budget === null ? null : JSON.stringify(run.budget))],
  ['idempotency_key', 'text', ({ run }) => run.idempotencyKey],
  ['priority', 'int', ({ run }) => run.priority],
  ['run_at', 'timestamptz', ({ run }) => run.runAt],
  ['expires_at', 'timestamptz', ({ run }) => run.expiresAt],
  ['fingerprint', 'text', ({ run }) => run.fingerprint],
  ['traceparent', 'text', ({ run }) => run.traceparent],
]

const names = COLUMNS.map(([column]) => column).join(', ')
const arrays = COLUMNS.map(([, type], index) => `$${index + 1}::${type}[]`).join(', ')
/** The n-th parameter after those of the columns, from 1. */
const further = (n: number) => `$${COLUMNS.length + n}`

const BY_MESSAGE = `CASE WHEN n.title IS NOT NULL THEN 'message'::agent_runtime.titled_by END`

// A run whose key was used before gets no conversation and no title. Foreign keys are checked at the end of the
// statement. The statement does not see its own inserts, so any run that it finds existed before.
const CONVERSATIONS = `, made AS (
      INSERT INTO agent_runtime.conversation (id, tenant_id, owner_id, owner_kind, agent_key, title, titled_by)
      SELECT r.conversation_id, r.tenant_id, r.owner_id, r.owner_kind, r.agent_key, n.title, ${BY_MESSAGE}
      FROM r JOIN unnest(${further(7)}::uuid[], ${further(8)}::text[]) AS n (run_id, title) ON n.run_id = r.id
    ), titled AS (
      UPDATE agent_runtime.conversation c SET title = n.title, titled_by = ${BY_MESSAGE}
      FROM r JOIN unnest(${further(9)}::uuid[], ${further(10)}::text[]) AS n (run_id, title) ON n.run_id = r.id
      WHERE c.id = r.conversation_id AND c.title IS NULL
        AND NOT EXISTS (SELECT FROM agent_runtime.run o WHERE o.conversation_id = c.id)
    )`

// ON CONFLICT is for a used idempotency key: then the earlier run is the answer.
const insert = (name: string, conversations: string) => ({
  name,
  text: `
    WITH r AS (
      INSERT INTO agent_runtime.run (${names}, gate, branch, turn, ordinal)
      SELECT ${names}, gate, branch,
        CASE WHEN waits_for_turn THEN nextval('agent_runtime.run_turn_seq') END,
        CASE WHEN conversation_id IS NOT NULL THEN nextval('agent_runtime.run_ordinal_seq') END
      FROM unnest(${arrays}, ${further(1)}::bool[], ${further(2)}::agent_runtime.run_gate[], ${further(3)}::int[])
        AS n (${names}, waits_for_turn, gate, branch)
      ON CONFLICT DO NOTHING
      RETURNING *
    ), inputs AS (
      INSERT INTO agent_runtime.message (run_id, position, conversation_id, origin, body)
      SELECT m.run_id, m.position, r.conversation_id, 'input', m.body
      FROM unnest(${further(4)}::uuid[], ${further(5)}::int[], ${further(6)}::jsonb[])
        AS m (run_id, position, body)
      JOIN r ON r.id = m.run_id
    )${conversations}
    SELECT ${RUN_COLUMNS} FROM r`,
})

const INSERT = insert('create_runs', '')
const INSERT_WITH_CONVERSATIONS = insert('create_runs_with_conversations', CONVERSATIONS)

/**
 * Inserts runs with their messages, and with the conversations that are created with them. The first run of an untitled
 * conversation gives it a title.
 *
 * @returns the inserted runs, without those whose id or idempotency key existed already
 */
export function insertRuns(
  client: pg.PoolClient,
  runs: readonly NewRun[],
  placeOf: (run: NewRun) => Place | undefined = () => undefined,
): Promise<RunRow[]> {
  if (runs.length === 0) return Promise.resolve([])
  const inserted = runs.map((run) => ({ run, owner: ownerValues(run.principal) }))
  const places = runs.map((run) => placeOf(run) ?? ALONE)
  const messages = runs.flatMap((run) =>
    run.messages.map((message, position) => ({ runId: run.id, position, message })),
  )
  const titles = (titled: readonly NewRun[]) => [
    titled.map(({ id }) => id),
    titled.map((run) => titleOf(run.messages)),
  ]
  const made = runs.filter(hasConversationOfItsOwn)
  const untitled = runs.filter((_run, index) => places[index]?.isUntitled)
  const hasConversations = made.length > 0 || untitled.length > 0
  const statement = hasConversations ? INSERT_WITH_CONVERSATIONS : INSERT
  return execute<RunRow>(client, statement, [
    ...COLUMNS.map(([, , valueOf]) => inserted.map(valueOf)),
    places.map(({ waitsForTurn }) => waitsForTurn),
    places.map(({ gate }) => gate),
    places.map(({ branch }) => branch),
    messages.map((entry) => entry.runId),
    messages.map((entry) => entry.position),
    messages.map((entry) => JSON.stringify(entry.message)),
    ...(hasConversations ? [...titles(made), ...titles(untitled)] : []),
  ])
}
