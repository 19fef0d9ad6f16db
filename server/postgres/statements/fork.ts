// A run that takes the place of a message begins a branch there, under the lock of its conversation.
import type pg from 'pg'
import type { CreatedRun, NewRun } from '../../ports/create-run.ts'
import { StoreFailure } from '../../ports/store/store-failure.ts'
import { execute } from '../connections/transaction.ts'
import { LATEST, branchPath, isOnPath, rankOf, untilPosition } from './branch-path.ts'
import { isSpoken } from './spoken.ts'
import { FIRST_OUTPUT_POSITION, isMessage, placeIn } from './stored-messages.ts'

/** The columns of a new branch, and the reasons why it cannot begin there. */
interface Fork {
  conversationId: string
  number: number
  fromBranch: number
  beforeOrdinal: string
  beforePosition: number
  beforeRunId: string
  isToolResult: boolean
  isWaiting: boolean
}

// If the target begins a branch, the new branch begins where that branch does: both take the place of the same message.
const fork = (name: string, target: string) => ({
  name: `fork_${name}`,
  text: `
    WITH RECURSIVE ${branchPath({
      conversationId: '$1',
      branch: 'SELECT branch FROM agent_runtime.conversation WHERE id = $1',
      ordinal: LATEST,
    })}, target AS (${target}
    ), place AS (
      SELECT r.id, r.branch, ${rankOf('r')} AS ordinal, r.turn, t.position, t.role, NOT EXISTS (
        SELECT FROM agent_runtime.message m WHERE m.run_id = r.id AND m.position < t.position
      ) AND NOT EXISTS (
        SELECT FROM agent_runtime.run o
        WHERE o.conversation_id = $1 AND o.branch = r.branch AND ${rankOf('o')} < ${rankOf('r')}
      ) AS begins_branch
      FROM target t JOIN agent_runtime.run r ON r.id = t.run_id AND r.conversation_id = $1
    )
    SELECT $1::uuid AS "conversationId", (SELECT COALESCE(max(number), 0) + 1 FROM agent_runtime.branch WHERE conversation_id = $1) AS number,
      COALESCE(b.from_branch, p.branch) AS "fromBranch",
      COALESCE(b.before_ordinal, p.ordinal) AS "beforeOrdinal",
      COALESCE(b.before_position, p.position) AS "beforePosition",
      COALESCE(b.before_run_id, p.id) AS "beforeRunId",
      COALESCE(p.role = 'tool', false) AS "isToolResult",
      p.turn IS NOT NULL AS "isWaiting"
    FROM place p LEFT JOIN agent_runtime.branch b
      ON b.conversation_id = $1 AND b.number = p.branch AND p.begins_branch`,
})

// An agent may give one id to messages of several runs. Then the newest is meant, preferring those on the path.
const BY_ID = fork(
  'by_id',
  `
      SELECT m.run_id, m.position, m.body ->> 'role' AS role
      FROM path CROSS JOIN agent_runtime.message m JOIN agent_runtime.run r ON r.id = m.run_id
      WHERE m.conversation_id = $1 AND ${isMessage('m', 2)}
      ORDER BY r.branch = ANY (path.branches) DESC, ${rankOf('r')} DESC
      LIMIT 1`,
)

const BY_RUN = fork('by_run', `SELECT $2::uuid AS run_id, ${FIRST_OUTPUT_POSITION} AS position, NULL AS role`)

const BY_INDEX = fork(
  'by_index',
  `
      SELECT m.run_id, m.position, m.body ->> 'role' AS role
      FROM path CROSS JOIN agent_runtime.run o JOIN agent_runtime.message m ON m.run_id = o.id
      WHERE o.conversation_id = $1 AND ${isOnPath('o', isSpoken('o'))} AND m.position < ${untilPosition('o')}
      ORDER BY ${rankOf('o')}, m.position
      OFFSET $2::int LIMIT 1`,
)

// A transaction that deletes the run waits for this one, and then copies to the branch the messages it needs. A branch
// that begins before the run needs none.
const HOLD = {
  name: 'fork_hold',
  text: `SELECT FROM agent_runtime.run WHERE id = $1 FOR KEY SHARE`,
}

const COUNT = {
  name: 'fork_count',
  text: `
    WITH RECURSIVE ${branchPath({
      conversationId: '$1',
      branch: 'SELECT branch FROM agent_runtime.conversation WHERE id = $1',
      ordinal: LATEST,
    })}
    SELECT count(*)::int AS count
    FROM path CROSS JOIN agent_runtime.run o JOIN agent_runtime.message m ON m.run_id = o.id
    WHERE o.conversation_id = $1 AND ${isOnPath('o', isSpoken('o'))} AND m.position < ${untilPosition('o')}`,
}

/**
 * For runs that take the place of a message, in locked conversations: where their branches begin, or why they cannot.
 */
export async function findForks(
  client: pg.PoolClient,
  runs: readonly NewRun[],
  chosen: ReadonlyMap<string, number>,
): Promise<{ forks: Map<string, Fork>; refusals: Map<string, CreatedRun> }> {
  const forks = new Map<string, Fork>()
  const refusals = new Map<string, CreatedRun>()
  for (const run of runs) {
    if (run.insteadOf === null || !chosen.has(run.conversationId ?? '')) continue
    const found = await findFork(client, run)
    if (found === null) continue
    if ('kind' in found) refusals.set(run.id, found)
    else forks.set(run.id, found)
  }
  return { forks, refusals }
}

/** @returns null when it takes no message's place, but follows all messages */
async function findFork(
  client: pg.PoolClient,
  { conversationId, insteadOf, conversationPolicy }: NewRun,
): Promise<Fork | CreatedRun | null> {
  if (insteadOf === null) return null
  const found = await find(client, conversationId, insteadOf)
  if (found === undefined) {
    const isEnd = 'index' in insteadOf && insteadOf.index === (await countSaid(client, conversationId))
    return isEnd ? null : { kind: 'no-place', reason: 'missing' }
  }
  if (found.isToolResult) return { kind: 'no-place', reason: 'tool-result' }
  // A run that is interrupted no longer waits. Other waiting runs may still change places.
  if (found.isWaiting && conversationPolicy !== 'interrupt') return { kind: 'no-place', reason: 'waiting' }
  const held = await execute(client, HOLD, [found.beforeRunId])
  if (held.length === 0 && found.beforePosition > 0) {
    throw new StoreFailure(
      'contended',
      'A run was deleted while another was being created in place of one of its messages.',
    )
  }
  return found
}

async function find(
  client: pg.PoolClient,
  conversationId: string | null,
  insteadOf: NonNullable<NewRun['insteadOf']>,
): Promise<Fork | undefined> {
  const [row] = await ('messageId' in insteadOf
    ? execute<Fork>(client, BY_ID, [conversationId, ...placeIn(insteadOf.messageId)])
    : 'answerOf' in insteadOf
      ? execute<Fork>(client, BY_RUN, [conversationId, insteadOf.answerOf])
      : execute<Fork>(client, BY_INDEX, [conversationId, insteadOf.index]))
  return row
}

async function countSaid(client: pg.PoolClient, conversationId: string | null): Promise<number> {
  const [row] = await execute<{ count: number }>(client, COUNT, [conversationId])
  return row?.count ?? 0
}

const BEGIN = {
  name: 'fork_begin',
  text: `
    WITH b AS (
      INSERT INTO agent_runtime.branch
        (conversation_id, number, from_branch, before_ordinal, before_position, before_run_id, first_run_id)
      VALUES ($1, $2, $3, $4, $5, $6, $7)
    )
    UPDATE agent_runtime.conversation SET branch = $2 WHERE id = $1`,
}

/** Creates the branches of the created runs, and chooses them. */
export async function beginBranches(
  client: pg.PoolClient,
  forks: ReadonlyMap<string, Fork>,
  isCreated: (runId: string) => boolean,
): Promise<void> {
  for (const [runId, fork] of forks) {
    if (!isCreated(runId)) continue
    const { conversationId, number, fromBranch, beforeOrdinal, beforePosition, beforeRunId } = fork
    await execute(client, BEGIN, [
      conversationId,
      number,
      fromBranch,
      beforeOrdinal,
      beforePosition,
      beforeRunId,
      runId,
    ])
  }
}
