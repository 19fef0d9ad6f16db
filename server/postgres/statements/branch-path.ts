// A run follows the runs before it on its branch, then those before that branch, and so on to the beginning. Finding a
// path takes one step for each branch on it, however many runs it has.

/** SQL for a run's place in the history: its ordinal, unless it was moved while it waited for its turn. */
export const rankOf = (run: string): string => `COALESCE(${run}.rank, ${run}.ordinal)`

interface End {
  conversationId: string
  branch: string
  /** Runs with this rank or a later one are not on the path. */
  ordinal: string
  /** Of the run with this rank, the messages before this position are on the path. Default: none. */
  position?: string
}

/**
 * The CTEs `path_step` and `path`, for WITH RECURSIVE. `path` is one row with arrays of the branches of a path, and
 * where it leaves each of them. With arrays there is no join that the planner could get wrong.
 *
 * @param end expressions
 */
export function branchPath({ conversationId, branch, ordinal, position = '0' }: End): string {
  return `path_step AS (
          SELECT (${branch})::int AS branch, (${ordinal})::bigint AS ordinal, (${position})::int AS position
          UNION ALL
          SELECT b.from_branch, b.before_ordinal, b.before_position
          FROM path_step JOIN agent_runtime.branch b
            ON b.conversation_id = ${conversationId} AND b.number = path_step.branch
        ), path AS MATERIALIZED (
          SELECT array_agg(branch) AS branches, array_agg(ordinal) AS ordinals, array_agg(position) AS positions
          FROM path_step
        )`
}

/** The end of a path to the newest run of a branch. */
export const LATEST = '9223372036854775807'

const at = (run: string) => `array_position(path.branches, ${run}.branch)`

/**
 * SQL condition: the run is on the path. A run before the point where the path leaves its branch must also fulfil
 * `isSpoken`; the run in which the path leaves need not.
 */
export function isOnPath(run: string, isSpoken: string): string {
  const ordinal = `path.ordinals[${at(run)}]`
  return `(${rankOf(run)} < ${ordinal} AND ${isSpoken} OR ${rankOf(run)} = ${ordinal})`
}

/** SQL for the position up to which (exclusive) the messages of a run on the path are on it too. */
export function untilPosition(run: string): string {
  return `CASE WHEN ${rankOf(run)} = path.ordinals[${at(run)}] THEN path.positions[${at(run)}] ELSE ${AFTER_ALL} END`
}

const AFTER_ALL = 2_147_483_647
