// Checks a scene's result beyond the database's own invariants: callers were told what happened, and outside
// work was done once.
import type pg from 'pg'
import type { RunStatus } from '../../../server/contract/run.ts'
import { brokenWhenQuiet } from '../../support/check-invariants.ts'
import { unknownTransitions } from '../../support/transitions.ts'
import type { Ran } from './load.ts'
import type { Loss } from './losses.ts'
import type { AgentKey } from './plan.ts'
import type { ScenePostgres } from './postgres.ts'

export interface FinalRun {
  id: string
  status: RunStatus
  attempt: number
  lastSeq: number
  agentKey: AgentKey
  attempts: number[]
}

/** @returns what is wrong, by rule; empty if nothing is */
export async function verdictOf(
  postgres: ScenePostgres,
  { ran, losses }: { ran: readonly Ran[]; losses: readonly Loss[] },
): Promise<Record<string, unknown[]>> {
  const runs = new Map((await readRuns(postgres)).map((run) => [run.id, run]))
  const pairs = ran.map((told) => ({ told, run: runs.get(told.id) }))
  const findings: Record<string, unknown[]> = {
    ...(await brokenWhenQuiet({ query: async (text) => ({ rows: await postgres.sql(text) }) })),
    'a run goes only where a transition of the table leads': await unknownTransitions(postgres.sql),
    'every run that was created is there, and no other': [
      ...pairs.filter(({ run }) => run === undefined),
      ...(runs.size === ran.length ? [] : [`${runs.size} runs instead of ${ran.length}`]),
    ],
    'no step that completed ran again': await postgres.sql(STEPS_REPEATED),
    'an attempt that was overtaken begins no step': await postgres.sql(STEPS_OF_GHOSTS),
    'a worker that stood still leaves off what was taken from it': await postgres.sql(
      GHOSTS,
      ghostsOf(losses),
    ),
    'readers see every event exactly once, in order': pairs.filter(({ told, run }) => !sawAll(told, run)),
    'a cancel that was accepted holds; a refused one came too late': pairs.filter(
      ({ told, run }) =>
        (told.cancel === 'accepted' && run?.status !== 'cancelled') ||
        (told.cancel === 'refused' && run?.status === 'cancelled'),
    ),
    'a run ends as its agent does, whatever became of its workers': pairs.filter(
      ({ told, run }) => !(isCancelled(told, run) || isFit(told.plan.agentKey, run)),
    ),
  }
  return Object.fromEntries(Object.entries(findings).filter(([, broken]) => broken.length > 0))
}

async function readRuns({ sql }: ScenePostgres): Promise<FinalRun[]> {
  return sql<FinalRun & pg.QueryResultRow>(
    `SELECT r.id, r.status, r.attempt, r.last_seq AS "lastSeq", r.agent_key AS "agentKey",
       (SELECT array_agg(e.attempt ORDER BY e.seq) FROM agent_runtime.event e WHERE e.run_id = r.id) AS attempts
     FROM agent_runtime.run r`,
  )
}

function sawAll({ seen }: Ran, run: FinalRun | undefined): boolean {
  if (seen === undefined || run === undefined) return true
  return (
    seen.seqs.length === run.lastSeq &&
    seen.seqs.every((seq, index) => seq === index + 1 && seen.attempts[index] === run.attempts[index]) &&
    seen.lastType === `run.${run.status}`
  )
}

function isCancelled({ cancel }: Ran, run: FinalRun | undefined): boolean {
  return run?.status === 'cancelled' && (cancel === 'accepted' || cancel === 'unsure')
}

function isFit(agentKey: AgentKey, run: FinalRun | undefined): boolean {
  switch (agentKey) {
    case 'deadly':
    case 'careless':
      return run?.status === 'failed'
    case 'blocking':
      // Its worker may be killed before its timeout, in each of its attempts.
      return run?.status === 'timed_out' || run?.status === 'failed'
    case 'flaky':
      return run?.status === 'failed' || run?.status === 'succeeded'
    case 'noop':
    case 'stream':
    case 'steps':
    case 'deaf':
    case 'asking':
      return run?.status === 'succeeded'
  }
}

// The row has milliseconds. If the event was late on its way here, the process says when the attempt began.
const STEPS_REPEATED = `
  SELECT t.*, s.completed_at FROM faults.trace t
  JOIN agent_runtime.step s ON s.run_id = t.run_id AND s.name = t.name AND s.occurrence = t.occurrence
  WHERE t.kind = 'step' AND least(t.at, t.begun_at) > s.completed_at + interval '1 millisecond'`

const STEPS_OF_GHOSTS = `
  SELECT t.*, e.ts FROM faults.trace t
  JOIN agent_runtime.event e ON e.run_id = t.run_id AND e.type = 'run.started' AND e.attempt = t.attempt + 1
  WHERE t.kind = 'step' AND least(t.at, t.begun_at) > e.ts + interval '1 millisecond'`

/** The time that an agent has to notice: due timers, one renewal of the lease, and a busy machine. */
const LEAVING_OFF_MS = 3_000

const GHOSTS = `
  SELECT g.*, r.agent_key, t.at FROM unnest($1::uuid[], $2::int[], $3::float8[]) AS g (run_id, attempt, resumed_at)
  JOIN agent_runtime.run r ON r.id = g.run_id AND r.attempt > g.attempt AND r.agent_key <> 'deaf'
  JOIN faults.trace started
    ON started.run_id = g.run_id AND started.attempt = g.attempt AND started.kind = 'started'
  LEFT JOIN faults.trace t ON t.run_id = g.run_id AND t.attempt = g.attempt AND t.kind = 'over'
  WHERE t.at IS NULL OR t.at > to_timestamp((g.resumed_at + ${LEAVING_OFF_MS}) / 1000)`

/** Attempts whose process was stopped and continued. */
function ghostsOf(losses: readonly Loss[]): [string[], number[], number[]] {
  const isKilled = ({ pid }: Loss) => losses.some((other) => other.how === 'killed' && other.pid === pid)
  const ghosts = losses.flatMap((loss) =>
    loss.resumedAt === undefined || isKilled(loss)
      ? []
      : loss.held.map((run) => ({ ...run, resumedAt: loss.resumedAt ?? 0 })),
  )
  return [
    ghosts.map(({ id }) => id),
    ghosts.map(({ attempt }) => attempt),
    ghosts.map(({ resumedAt }) => resumedAt),
  ]
}
