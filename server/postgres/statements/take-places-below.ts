import type pg from 'pg'
import type { FamilyStore } from '../../ports/store/family-store.ts'

// The count is in the row of the family's root, or of this run if the root was deleted. Only this row is locked, for
// one statement, so no deadlock is possible.
const TAKE = {
  name: 'take_places_below',
  text: `
    WITH root AS (
      SELECT id, COALESCE(runs_below, 0) AS before FROM agent_runtime.run
      WHERE id = (
        SELECT r.id FROM agent_runtime.run r
        WHERE r.id IN ($1, (SELECT root_run_id FROM agent_runtime.run WHERE id = $1))
        ORDER BY r.id = $1
        LIMIT 1)
      FOR NO KEY UPDATE
    )
    UPDATE agent_runtime.run r SET runs_below = LEAST(root.before + $2::int, GREATEST($3::int, root.before))
    FROM root WHERE r.id = root.id
    RETURNING r.runs_below - root.before AS taken`,
}

/** @returns how many places were taken */
export async function takePlacesBelow(
  pool: pg.Pool,
  ...[runId, { count, max }]: Parameters<FamilyStore['takePlacesBelow']>
): Promise<number> {
  const { rows } = await pool.query<{ taken: number }>({ ...TAKE, values: [runId, count, max] })
  return rows[0]?.taken ?? 0
}
