// Decides which runs created in conversations may start, which wait for their turn, and which are refused. This happens
// under the conversations' row locks, so that two servers that create at once agree.
import type pg from 'pg'
import { OPEN } from '../../lifecycle/statuses.ts'
import { TRANSITIONS } from '../../lifecycle/transitions.ts'
import { comesIntoConversation } from '../../ports/create-run.ts'
import type { CreatedRun, NewRun } from '../../ports/create-run.ts'
import type { ChangedRun } from '../../ports/upkeep.ts'
import { haveOneOwner, ownerColumns } from '../owned-by.ts'
import { execute } from '../connections/transaction.ts'
import type { VisibilityOf } from './insert-event.ts'
import { interruptRuns } from './interrupt-runs.ts'
import type { InterruptedRow } from './interrupt-runs.ts'
import { keepIncomplete } from './keep-incomplete.ts'
import { steer } from './steer.ts'
import { LEFT_OF_RUNS } from './upkeep.ts'

const { cancelled } = TRANSITIONS

export interface Admission {
  /** Set when the run is not created: the reason, or what was done instead. */
  answer?: CreatedRun
  /** The run is created, and starts when those before it are over. */
  waits?: boolean
  interrupted?: readonly ChangedRun[]
}

const LOCK = {
  name: 'admit_lock',
  text: `
    WITH locked AS (
      SELECT c.id FROM agent_runtime.conversation c
      JOIN unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) AS w (id, tenant_id, owner_id, owner_kind)
        ON c.id = w.id AND c.deleted_at IS NULL AND ${haveOneOwner('c', 'w')}
      ORDER BY c.id
      FOR NO KEY UPDATE OF c
    )
    UPDATE agent_runtime.conversation c SET updated_at = now() FROM locked
    WHERE c.id = locked.id
    RETURNING c.id, c.branch, c.title IS NULL AS "isUntitled"`,
}

const FIND_ACTIVE = {
  name: 'admit_active',
  text: `
    SELECT id, conversation_id AS "conversationId", turn IS NULL AS "hasTurn",
      cancel_requested_at IS NOT NULL AS "isStopping", false AS "hasLeft"
    FROM (
      SELECT * FROM agent_runtime.run
      WHERE conversation_id = ANY ($1::uuid[]) AND status IN ${OPEN}
      ORDER BY turn NULLS FIRST, id
    ) AS active
    UNION ALL
    SELECT over.id, over.conversation_id, false, false, true FROM ${LEFT_OF_RUNS} AND over.conversation_id = ANY ($1::uuid[])`,
}

interface ActiveRun {
  id: string
  conversationId: string
  /** It waits for no other run of the conversation. */
  hasTurn: boolean
  /** Cancelled, but its agent has not let go yet. */
  isStopping: boolean
  /** It is over, and its unread messages are about to become the next run. */
  hasLeft: boolean
}

// Interrupts all open runs of the conversation. The new run waits until those that were running have ended.
const INTERRUPT = interruptRuns('admit_interrupt', 'conversation_id = $1')

/**
 * Locks conversations: until the transaction ends, nobody else creates a run there, gives a turn or chooses a branch.
 *
 * @returns the chosen branches of those that exist and are the caller's, and which of them have no title
 */
export async function lockConversations(
  client: pg.PoolClient,
  runs: readonly NewRun[],
): Promise<{ branchOf: ReadonlyMap<string, number>; untitled: ReadonlySet<string> }> {
  const inConversation = runs.filter(comesIntoConversation)
  if (inConversation.length === 0) return { branchOf: new Map(), untitled: new Set() }
  const owned = await execute<{ id: string; branch: number; isUntitled: boolean }>(client, LOCK, [
    inConversation.map((run) => run.conversationId),
    ...ownerColumns(inConversation.map((run) => run.principal)),
  ])
  return {
    branchOf: new Map(owned.map(({ id, branch }) => [id, branch])),
    untitled: new Set(owned.flatMap(({ id, isUntitled }) => (isUntitled ? [id] : []))),
  }
}

/**
 * @param runs new runs, at most one in each conversation, which is locked
 * @returns the admissions of runs that are in a conversation
 */
export async function admitRuns(
  client: pg.PoolClient,
  runs: readonly NewRun[],
  {
    branchOf,
    visibilityOf,
    isNext,
  }: {
    branchOf: ReadonlyMap<string, number>
    visibilityOf: VisibilityOf
    /** The new runs come next, before other requests: they hold messages that an ended run left unread. */
    isNext: boolean
  },
): Promise<Map<string, Admission>> {
  const admissions = new Map<string, Admission>()
  const inConversation = runs.filter(comesIntoConversation)
  if (inConversation.length === 0) return admissions

  const active = await execute<ActiveRun>(client, FIND_ACTIVE, [[...branchOf.keys()]])
  for (const run of inConversation) {
    const ofConversation = active.filter((other) => other.conversationId === run.conversationId)
    const before = ofConversation.filter(({ hasLeft }) => !hasLeft)
    const leaving = isNext ? undefined : ofConversation.find(({ hasLeft }) => hasLeft)
    admissions.set(
      run.id,
      branchOf.has(run.conversationId ?? '')
        ? await admit(client, {
            run,
            before,
            leaving,
            branch: branchOf.get(run.conversationId ?? '') ?? 0,
            visibilityOf,
          })
        : { answer: { kind: 'no-conversation' } },
    )
  }
  return admissions
}

async function admit(
  client: pg.PoolClient,
  request: {
    run: NewRun
    before: readonly ActiveRun[]
    leaving: ActiveRun | undefined
    branch: number
    visibilityOf: VisibilityOf
  },
): Promise<Admission> {
  const { run, before, leaving, branch, visibilityOf } = request
  // Messages that an ended run left unread were sent earlier, so their run comes first.
  const isBusy = before.length > 0 || leaving !== undefined
  switch (run.conversationPolicy) {
    case 'queue':
      return admitBehind(before, run, isBusy)
    case 'reject': {
      // A run that is being stopped does not count as busy: the new run waits for its end.
      const busy = before.find((other) => !other.isStopping)
      if (busy !== undefined) return { answer: { kind: 'busy', runId: busy.id } }
      return leaving === undefined ? admitBehind(before, run, isBusy) : { answer: { kind: 'leaving' } }
    }
    case 'steer': {
      const answer = before.length === 0 ? undefined : await steer(client, run, branch)
      return answer === undefined ? admitBehind(before, run, isBusy) : { answer }
    }
    case 'interrupt': {
      if (before.length === 0) return {}
      const interrupted = await execute<InterruptedRow>(client, INTERRUPT, [
        run.conversationId,
        visibilityOf(cancelled.event),
      ])
      const ended = interrupted.filter(({ status, attempt }) => status === cancelled.to && attempt > 0)
      await keepIncomplete(
        client,
        ended.map(({ id }) => id),
      )
      return { waits: interrupted.some(({ status }) => status === 'running'), interrupted }
    }
  }
}

/** Limits how many runs wait, since every look at a conversation costs more with each waiting run. */
function admitBehind(before: readonly ActiveRun[], { maxWaiting }: NewRun, isBusy: boolean): Admission {
  const waiting = before.filter(({ hasTurn }) => !hasTurn).length
  return waiting >= maxWaiting ? { answer: { kind: 'full', waiting } } : { waits: isBusy }
}
