import type pg from 'pg'
import { toStorableJson } from '../../contract/storable-json.ts'
import type { FamilyStore } from '../../ports/store/family-store.ts'
import { execute, inTransaction } from '../connections/transaction.ts'
import type { Deliver } from '../deliveries/deliveries.ts'
import { insertChildren } from './insert-children.ts'
import { lockSessions } from './lock-sessions.ts'

const HOLD = {
  name: 'start_child_hold',
  text: `
    SELECT id FROM agent_runtime.run WHERE id = $1 AND attempt = $2 AND status = 'running'
    FOR NO KEY UPDATE`,
}

const CALL = {
  name: 'start_child_call',
  text: `
    INSERT INTO agent_runtime.wait (run_id, name, occurrence, kind, request)
    VALUES ($1, $2, $3, 'child', $4::jsonb)
    ON CONFLICT DO NOTHING
    RETURNING run_id`,
}

const FIND = {
  name: 'start_child_find',
  text: `
    SELECT request #>> '{details,runId}' AS "runId" FROM agent_runtime.wait
    WHERE run_id = $1 AND name = $2 AND occurrence = $3`,
}

/** Creates the wait for the child's end at once: it identifies the call that the child belongs to. */
export async function startChild(
  pool: pg.Pool,
  [parent, call, child]: Parameters<FamilyStore['startChild']>,
  deliver: Deliver,
): ReturnType<FamilyStore['startChild']> {
  return inTransaction(pool, async (client, tx) => {
    // Lock sessions before runs, in the same order as the claim of a visitor's session does.
    await lockSessions(client, [child.principal])
    const held = await execute(client, HOLD, [parent.id, parent.attempt])
    if (held.length === 0) return 'fenced'
    const key = [parent.id, call.name, call.occurrence]
    const request = {
      details: { agentKey: child.agentKey, runId: child.id },
      schema: null,
      onEnd: call.onEnd,
    }
    const added = await execute(client, CALL, [...key, toStorableJson(request)])
    if (added.length === 0) {
      const [known] = await execute<{ runId: string }>(client, FIND, key)
      return known ?? 'fenced'
    }
    const queued = await insertChildren(client, [{ parentId: parent.id, child }])
    if (queued.length > 0) await deliver(queued, tx)
    return { runId: child.id }
  })
}
