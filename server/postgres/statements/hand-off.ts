import type pg from 'pg'
import type { CreatedRun } from '../../ports/create-run.ts'
import type { Owner } from '../../ports/owner.ts'
import type { FamilyStore } from '../../ports/store/family-store.ts'
import { execute, inTransaction } from '../connections/transaction.ts'
import type { Deliver } from '../deliveries/deliveries.ts'
import { createCarefully } from './create-runs.ts'
import type { CreateSettings } from './create-runs.ts'
import { lockSessions } from './lock-sessions.ts'
import { moveToFront } from './queued-turns.ts'

const OWNER = {
  name: 'hand_off_owner',
  text: `
    SELECT tenant_id AS "tenantId", owner_id AS id, owner_kind AS kind FROM agent_runtime.run WHERE id = $1`,
}

const HOLD = {
  name: 'hand_off_hold',
  text: `
    SELECT branch, cancel_requested_at IS NOT NULL AS "isCancelled" FROM agent_runtime.run
    WHERE id = $1 AND attempt = $2 AND status = 'running'
    FOR NO KEY UPDATE`,
}

class Unheld extends Error {
  override readonly name = 'Unheld'
  readonly why: 'fenced' | 'cancelled'

  constructor(why: Unheld['why']) {
    super(why)
    this.why = why
  }
}

/**
 * Creates the next run after the run that hands on, whatever branch is chosen now, and before runs that were created
 * meanwhile.
 */
export async function handOff(
  pool: pg.Pool,
  [from, next]: Parameters<FamilyStore['handOff']>,
  { deliver, ...settings }: CreateSettings & { deliver: Deliver },
): ReturnType<FamilyStore['handOff']> {
  try {
    return await inTransaction(pool, async (client, tx): Promise<CreatedRun> => {
      // After this lock the run's row has the present owner: a visitor may have become a user.
      await lockSessions(client, [from.principal])
      const [owner] = await execute<Owner>(client, OWNER, [from.id])
      if (owner === undefined) throw new Unheld('fenced')
      const [answer = { kind: 'no-conversation' as const }] = await createCarefully(client, {
        ...settings,
        asked: [{ ...next, principal: owner }],
        holdBranch: () => hold(client, from),
        deliver: (runs) => deliver(runs, tx),
      })
      if (answer.kind === 'created') {
        await moveToFront(client, { conversationId: next.conversationId ?? '', runId: answer.run.id })
      }
      return answer
    })
  } catch (error) {
    if (error instanceof Unheld) return error.why
    throw error
  }
}

/** Locks the run until the next one is created, so that no other attempt of it begins and nobody cancels it. */
async function hold(client: pg.PoolClient, from: { id: string; attempt: number }): Promise<number> {
  const [held] = await execute<{ branch: number; isCancelled: boolean }>(client, HOLD, [
    from.id,
    from.attempt,
  ])
  if (held === undefined) throw new Unheld('fenced')
  if (held.isCancelled) throw new Unheld('cancelled')
  return held.branch
}
