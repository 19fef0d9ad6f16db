// Siblings: messages that follow the same message. A run that took a message's place begins a branch, and its first
// message is a sibling of that message. If that message's run is deleted or not shown, the next message of its branch
// is the sibling. Only read for conversations with branches.
import type pg from 'pg'
import { execute } from '../connections/transaction.ts'
import { rankOf } from './branch-path.ts'
import { isSpoken } from './spoken.ts'
import { messageId } from './stored-messages.ts'

interface Place {
  runId: string
  id: string
}

interface Row {
  number: number
  fromBranch: number
  /** The branch's first shown message, if there is any. */
  first: Place | null
  /** The message at the place where the branch began, or the next one on the same branch. */
  original: Place | null
  /**
   * Names the place if the branch follows a part of a run that is not shown. Then only branches that began at the same
   * place are siblings.
   */
  within: string | null
}

const isShown = (run: string) => `($2::bool OR ${isSpoken(run)})`

/** SQL for the first message of a run, as a {@link Place}. */
const firstOf = (run: string, where = 'true') => `(
        SELECT json_build_object('runId', m.run_id, 'id', ${messageId('m')}) FROM agent_runtime.message m
        WHERE m.run_id = ${run}.id AND ${where}
        ORDER BY m.position LIMIT 1)`

const READ = {
  name: 'read_siblings',
  text: `
    WITH first AS MATERIALIZED (
      SELECT DISTINCT ON (r.branch) r.branch, said.place
      FROM agent_runtime.run r CROSS JOIN LATERAL ${firstOf('r')} AS said (place)
      WHERE r.conversation_id = $1 AND r.branch > 0 AND ${isShown('r')}
      ORDER BY r.branch, ${rankOf('r')}
    )
    SELECT b.number, b.from_branch AS "fromBranch", first.place AS first, CASE WHEN within.is_within THEN b.before_run_id || ' ' || b.before_position END AS within,
      COALESCE(
        (SELECT ${firstOf('r', 'm.position >= b.before_position')} FROM agent_runtime.run r
          WHERE r.id = b.before_run_id AND ${isShown('r')}),
        CASE WHEN NOT within.is_within THEN (
          SELECT said.place FROM agent_runtime.run r CROSS JOIN LATERAL ${firstOf('r')} AS said (place)
          WHERE r.conversation_id = $1 AND r.branch = b.from_branch AND ${rankOf('r')} > b.before_ordinal AND ${isShown('r')}
          ORDER BY ${rankOf('r')} LIMIT 1)
        END
      ) AS original
    FROM agent_runtime.branch b LEFT JOIN first ON first.branch = b.number
    CROSS JOIN LATERAL (
      SELECT EXISTS (
        SELECT FROM agent_runtime.run r JOIN agent_runtime.message m ON m.run_id = r.id
        WHERE r.id = b.before_run_id AND NOT ${isShown('r')} AND m.position < b.before_position
      ) AS is_within
    ) AS within
    WHERE b.conversation_id = $1
    ORDER BY b.number`,
}

/** @returns a function that gives the ids of a message and its siblings; undefined for a message without siblings */
export async function readSiblings(
  pool: pg.Pool,
  conversationId: string,
  includeFailedRuns: boolean,
): Promise<(message: Place) => string[] | undefined> {
  const branches = await execute<Row>(pool, READ, [conversationId, includeFailedRuns])
  const families = new Map<string, Place[]>()
  const familyOf = new Map<number, string>()
  const firstOfBranch = new Map(branches.map(({ number, first }) => [number, first]))
  // A branch begins on one with a lower number, so the family of that one is known already.
  for (const branch of branches) {
    const key = keyOf(branch, { familyOf, firstOfBranch })
    familyOf.set(branch.number, key)
    const family = families.get(key) ?? []
    families.set(key, family)
    for (const place of [branch.original, branch.first]) {
      if (place !== null && !family.some((other) => isSame(other, place))) family.push(place)
    }
  }
  const idsOf = new Map<string, string[]>()
  for (const family of families.values()) {
    if (family.length === 1) continue
    const ids = family.map(({ id }) => id)
    for (const place of family) idsOf.set(nameOf(place), ids)
  }
  return (message) => idsOf.get(nameOf(message))
}

function keyOf(
  { fromBranch, original, within }: Row,
  known: { familyOf: ReadonlyMap<number, string>; firstOfBranch: ReadonlyMap<number, Place | null> },
): string {
  const first = known.firstOfBranch.get(fromBranch) ?? null
  const family = known.familyOf.get(fromBranch)
  if (original !== null) {
    return family !== undefined && first !== null && isSame(first, original) ? family : nameOf(original)
  }
  if (within !== null) return `within ${within}`
  // If nothing is left of the branch on which it began, it begins where that branch did.
  return family !== undefined && first === null ? family : `end ${fromBranch}`
}

const nameOf = ({ runId, id }: Place) => `${runId} ${id}`
const isSame = (a: Place, b: Place) => nameOf(a) === nameOf(b)
