// A run follows what is before it on its branch, then what is before that branch, and so on to the beginning. So a path
// takes as many steps as there are branches on it, however many runs it has; one that never forked takes one.

/** SQL for a run's place in the history: its ordinal, unless it was moved while it waited for its turn. */
export const rankOf = (run: string): string => `COALESCE(${run}.rank, ${run}.ordinal)`

interface End {
  conversationId: string
  branch: string
  /** What has this rank or a later one is not on the path. */
  ordinal: string
  /** Of that run these are: those before this position. Default: none of it. */
  position?: string
}

/**
 * The CTEs `path_step` and `path`, for WITH RECURSIVE: in one row the branches of a path, and of each where it is left. In an
 * array a run's branch is found without a plan that could go wrong.
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

/** SQL that is true for a run on the path of which all messages count if `isSpoken`; of the run that is left in its midst they do in any case. */
export function isOnPath(run: string, isSpoken: string): string {
  const ordinal = `path.ordinals[${at(run)}]`
  return `(${rankOf(run)} < ${ordinal} AND ${isSpoken} OR ${rankOf(run)} = ${ordinal})`
}

/** SQL for the position before which the messages of a run on the path are on it too. */
export function untilPosition(run: string): string {
  return `CASE WHEN ${rankOf(run)} = path.ordinals[${at(run)}] THEN path.positions[${at(run)}] ELSE ${AFTER_ALL} END`
}

const AFTER_ALL = 2_147_483_647
