import type pg from 'pg'
import type { FamilyStore } from '../../ports/store/family-store.ts'

// The count is in the row of the family's root, or of this run if the root was deleted. How many of them this run took
// is in its own row, so that they stay its own when it does not come to store the children. A process of an earlier
// version did not note the latter: places of stored children count as taken.
const TAKE = {
  name: 'take_places_below',
  text: `
    WITH held AS (
      SELECT id, COALESCE(runs_below, 0) AS below, GREATEST(COALESCE(places_taken, 0), $2::int) AS mine
      FROM agent_runtime.run
      WHERE id IN ($1, (SELECT root_run_id FROM agent_runtime.run WHERE id = $1))
      ORDER BY id
      FOR NO KEY UPDATE
    ), root AS (
      SELECT id, below FROM held ORDER BY id = $1 LIMIT 1
    ), taken AS (
      SELECT root.id AS root_id, root.below, held.mine,
        LEAST(GREATEST($2::int + $3::int - held.mine, 0), GREATEST($4::int - root.below, 0)) AS count
      FROM root CROSS JOIN held
      WHERE held.id = $1
    ), told AS (
      UPDATE agent_runtime.run r SET
        runs_below = CASE WHEN r.id = t.root_id THEN t.below + t.count ELSE r.runs_below END,
        places_taken = CASE WHEN r.id = $1 THEN t.mine + t.count ELSE r.places_taken END
      FROM taken t
      WHERE t.count > 0 AND r.id IN ($1, t.root_id)
    )
    SELECT mine + count - $2::int AS places FROM taken`,
}

/** @returns how many places there are for new children */
export async function takePlacesBelow(
  pool: pg.Pool,
  ...[runId, { stored, count, max }]: Parameters<FamilyStore['takePlacesBelow']>
): Promise<number> {
  const { rows } = await pool.query<{ places: number }>({ ...TAKE, values: [runId, stored, count, max] })
  return rows[0]?.places ?? 0
}
