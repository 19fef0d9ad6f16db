import type pg from 'pg'
import { mayClash } from '../../ports/create-run.ts'
import type { CreatedRun, NewRun } from '../../ports/create-run.ts'
import type { Deliver } from '../deliveries/deliveries.ts'
import { StoreFailure } from '../../ports/store/store-failure.ts'
import type { RunsAtOnce } from '../../ports/runs-at-once.ts'
import type { Run } from '../../contract/run.ts'
import { toRun } from '../rows/run-row.ts'
import { execute, inTransaction } from '../connections/transaction.ts'
import { insertWebhooksOfRuns } from './caller-webhooks.ts'
import type { VisibilityOf } from './insert-event.ts'
import { openGates } from './gates.ts'
import type { Gate, GateOf } from './gates.ts'
import { dropResent } from './drop-resent.ts'
import { insertRuns } from './insert-runs.ts'
import type { Place } from './insert-runs.ts'
import { lockConversations, admitRuns } from './admit-runs.ts'
import { beginBranches, findForks } from './fork.ts'
import { lockSessions } from './lock-sessions.ts'
import { keepNamedFiles, lockNamedFiles } from './named-files.ts'
import { dropConversations, openConversations } from './open-conversations.ts'
import { findExistingInConversations, findExisting } from './find-existing-runs.ts'

// Set for the transaction only, so that it also works behind a pooler.
const HAVE_PATIENCE = {
  name: 'have_patience',
  text: `SELECT set_config('lock_timeout', $1, true)`,
}

export interface CreateSettings {
  lockPatienceMs?: number
  visibilityOf: VisibilityOf
  runsAtOnce: RunsAtOnce
}

export async function createRuns(
  pool: pg.Pool,
  request: CreateSettings & { runs: readonly NewRun[] },
  deliver: Deliver,
): Promise<CreatedRun[]> {
  const { runs: asked, ...settings } = request
  return inTransaction(pool, async (client, tx) => {
    if (!asked.some(mayClash)) {
      // All runs are new, so their deliveries need not wait for the answer.
      const [rows] = await Promise.all([
        insertRuns(client, asked),
        insertWebhooksOfRuns(client, asked),
        deliver(asked, tx),
      ])
      const created = new Map(rows.map((row) => [row.id, toRun(row)]))
      return asked.map(({ id }) => ({
        kind: 'created',
        run: created.get(id) as Run,
        interrupted: [],
        alreadySaid: 0,
        isParked: false,
        waitsForTurn: false,
      }))
    }
    return createCarefully(client, { asked, ...settings, deliver: (runs) => deliver(runs, tx) })
  })
}

// oxlint-disable-next-line max-lines-per-function -- The way of a batch under its locks, step by step.
export async function createCarefully(
  client: pg.PoolClient,
  request: CreateSettings & {
    asked: readonly NewRun[]
    /**
     * Set for runs that come next in their conversation. Finds their branch, in place of the chosen one; called under
     * the conversations' locks. Undefined: the chosen one.
     */
    holdBranch?(): Promise<number | undefined>
    deliver(runs: readonly NewRun[]): Promise<void>
  },
): Promise<CreatedRun[]> {
  const { lockPatienceMs, visibilityOf, runsAtOnce, deliver } = request
  if (lockPatienceMs !== undefined) {
    // Sent together with the next statement. If the connection breaks, that statement's error is reported.
    execute(client, HAVE_PATIENCE, [lockPatienceMs]).catch(() => {})
  }
  const answers = new Map<string, CreatedRun>()
  const startable: NewRun[] = []
  /** The runs, with only those of their messages that are stored. */
  const kept = new Map<string, NewRun>()
  // Lock sessions before conversations, in the same order as a session's claim. The first wave's lock does not wait for
  // the answer.
  const lockedSessions = lockSessions(
    client,
    request.asked.map((run) => run.principal),
  )
  const { asked, existing: known, madeIds } = await openNamed(client, request.asked, lockedSessions)
  for (const [id, answer] of known) answers.set(id, answer)
  // Opened after the first wave has locked its conversations, and before anything for which others may wait.
  let gateOf: GateOf | undefined
  for (const wave of inWaves(asked)) {
    const [isClaimed, { branchOf: chosenOf, untitled }] = await Promise.all([
      lockedSessions,
      lockConversations(client, wave),
    ])
    for (const { id, principal } of wave) if (isClaimed(principal)) answers.set(id, { kind: 'session-over' })
    const unclaimed = wave.filter(({ id }) => !answers.has(id))
    for (const [id, fileId] of await lockNamedFiles(client, unclaimed))
      answers.set(id, { kind: 'no-file', fileId })
    const current = wave.filter((run) => !answers.has(run.id))
    gateOf ??= await openGates(client, asked, runsAtOnce)
    const held = await request.holdBranch?.()
    const branchOf = held === undefined ? chosenOf : new Map([...chosenOf.keys()].map((id) => [id, held]))
    const existing = await findExistingInConversations(client, current)
    const fresh = current.filter((run) => !existing.has(run.id))
    if (fresh.some((run) => isNamedByKey(run) && !branchOf.has(run.conversationId ?? ''))) {
      throw new StoreFailure('contended', 'The conversation was deleted while a run was being created in it.')
    }
    const { forks, refusals } = await findForks(client, fresh, branchOf)
    for (const [id, refusal] of refusals) answers.set(id, refusal)
    const placed = await dropResent(
      client,
      fresh.filter((run) => !refusals.has(run.id)),
      branchOf,
    )
    for (const run of placed) kept.set(run.id, run)
    const isNext = request.holdBranch !== undefined
    const admissions = await admitRuns(client, placed, { branchOf, visibilityOf, isNext })
    const wanted = placed.filter((run) => admissions.get(run.id)?.answer === undefined)
    const places = new Map<string, Place>()
    for (const run of wanted) {
      const waitsForTurn = admissions.get(run.id)?.waits ?? false
      const branch = forks.get(run.id)?.number ?? branchOf.get(run.conversationId ?? '') ?? 0
      const isUntitled = untitled.has(run.conversationId ?? '')
      places.set(run.id, { waitsForTurn, gate: gateOf(run, waitsForTurn), branch, isUntitled })
    }
    const waits = (id: string) => places.get(id)?.waitsForTurn === true
    const isParked = (id: string) => !MAY_PASS.has(places.get(id)?.gate ?? null)
    for (const row of await insertRuns(client, wanted, (run) => places.get(run.id))) {
      const interrupted = admissions.get(row.id)?.interrupted ?? []
      const place = { isParked: isParked(row.id), waitsForTurn: waits(row.id) }
      const alreadySaid = countOf(asked, row.id) - countOf(wanted, row.id)
      answers.set(row.id, { kind: 'created', run: toRun(row), interrupted, alreadySaid, ...place })
    }
    const clashing = wanted.filter((run) => !answers.has(run.id))
    await beginBranches(client, forks, (id) => answers.get(id)?.kind === 'created')
    if (clashing.some((run) => (admissions.get(run.id)?.interrupted ?? []).length > 0)) {
      // Another transaction used the key at this moment, so this run's interruptions must be rolled back.
      throw new StoreFailure('contended', 'An idempotency key was used twice at the same moment.')
    }
    for (const [id, answer] of [...existing, ...(await findExisting(client, clashing))])
      answers.set(id, answer)
    for (const [id, { answer }] of admissions) if (answer !== undefined) answers.set(id, answer)
    startable.push(
      ...wanted.filter(({ id }) => answers.get(id)?.kind === 'created' && !waits(id) && !isParked(id)),
    )
  }
  const taken = new Set(
    asked.map(({ id, conversationId }) => answers.get(id)?.kind === 'created' && conversationId),
  )
  await dropConversations(
    client,
    madeIds.filter((id) => !taken.has(id)),
  )
  const created = [...kept.values()].filter(({ id }) => answers.get(id)?.kind === 'created')
  await keepNamedFiles(client, created)
  await insertWebhooksOfRuns(client, created)
  if (startable.length > 0) await deliver(startable)
  return asked.map((run) => answers.get(run.id) ?? { kind: 'no-conversation' })
}

/** How many messages the run with this id has in `runs`. */
const countOf = (runs: readonly NewRun[], id: string): number =>
  runs.find((run) => run.id === id)?.messages.length ?? 0

const isNamedByKey = ({ newConversation }: NewRun): boolean =>
  newConversation !== null && newConversation.externalId !== null

/**
 * Finds or creates the conversations that runs name by an external id. Skips runs that were created before, and runs of
 * visitors whose session was claimed. Called before any conversation is locked.
 *
 * @returns the runs, with the ids of their conversations
 */
async function openNamed(
  client: pg.PoolClient,
  runs: readonly NewRun[],
  lockedSessions: ReturnType<typeof lockSessions>,
): Promise<{ asked: readonly NewRun[]; existing: Map<string, CreatedRun>; madeIds: string[] }> {
  const named = runs.filter(isNamedByKey)
  if (named.length === 0) return { asked: runs, existing: new Map(), madeIds: [] }
  const isClaimed = await lockedSessions
  const existing = await findExisting(
    client,
    named.filter(({ idempotencyKey }) => idempotencyKey !== null),
  )
  const fresh = named.filter(({ id, principal }) => !existing.has(id) && !isClaimed(principal))
  const opened = await openConversations(
    client,
    fresh.map(({ principal, conversationId, newConversation, agentKey }) => ({
      owner: principal,
      id: conversationId ?? '',
      externalId: newConversation?.externalId ?? '',
      agentKey,
      title: null,
      metadata: '{}',
    })),
  )
  const idOf = new Map(fresh.map((run, index) => [run.id, opened[index]?.id]))
  return {
    asked: runs.map((run) => ({ ...run, conversationId: idOf.get(run.id) ?? run.conversationId })),
    existing,
    madeIds: opened.flatMap(({ id, isNew }) => (isNew ? [id] : [])),
  }
}

const MAY_PASS: ReadonlySet<Gate | null> = new Set([null, 'passed'])

/**
 * Puts at most one run of a conversation into each wave, so that a later run sees the earlier ones. Most batches are
 * one wave. Keys are inserted and conversations locked in one order everywhere, so that batches of two servers wait for
 * each other instead of deadlocking.
 */
function inWaves(asked: readonly NewRun[]): NewRun[][] {
  const waves: NewRun[][] = []
  const taken = new Map<string, number>()
  for (const run of asked.toSorted((a, b) => compare(a.idempotencyKey ?? '', b.idempotencyKey ?? ''))) {
    const before = run.conversationId === null ? 0 : (taken.get(run.conversationId) ?? 0)
    if (run.conversationId !== null) taken.set(run.conversationId, before + 1)
    ;(waves[before] ??= []).push(run)
  }
  return waves
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
