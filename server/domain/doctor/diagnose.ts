import type { Examination, SchemaFacts } from '../../ports/examination.ts'
import { OVERDUE_SECONDS } from '../../ports/examination.ts'
import { diagnoseRuns } from './diagnose-runs.ts'
import { count, listed, ok, report } from './finding.ts'
import type { Finding } from './finding.ts'

type Examined = Extract<Examination, { state: 'examined' }>

const MIGRATE = 'Run: agent-runtime migrate'

/** The findings about a database, the most basic first. A pure function of the facts. */
export function diagnose(examination: Examination, now: number): Finding[] {
  switch (examination.state) {
    case 'unusable':
      return [{ check: 'database', level: 'problem', found: examination.reason }]
    case 'outdated':
      return [ok('database', 'The database answers.'), ...diagnoseSchema(examination.schema)]
    case 'examined':
      return [
        ok('database', 'The database answers.'),
        ...diagnoseSchema(examination.schema),
        diagnoseNotifications(examination),
        diagnoseWorkers(examination),
        ...diagnoseRuns(examination, now),
        ...diagnoseQueue(examination),
        ...diagnoseSchedules(examination),
        diagnoseSizes(examination),
      ]
  }
}

function diagnoseSchema({ pending, unknown, queue }: SchemaFacts): Finding[] {
  const findings: Finding[] = []
  if (pending.length > 0) {
    findings.push({
      check: 'migrations',
      level: 'problem',
      found: `${count(pending.length, 'migration')} of this version ${pending.length === 1 ? 'is' : 'are'} not applied.`,
      meaning: 'This version of the package does not work with the database as it is.',
      remedy: MIGRATE,
      items: pending,
    })
  }
  if (queue.found === null || queue.found < queue.needed) {
    const found =
      queue.found === null ? 'The queue has no tables' : `The queue's tables are at version ${queue.found}`
    findings.push({
      check: 'queue-version',
      level: 'problem',
      found: `${found}; the installed pg-boss needs ${queue.needed}.`,
      remedy: MIGRATE,
    })
  } else if (queue.found > queue.needed) {
    findings.push({
      check: 'queue-version',
      level: 'problem',
      found: `The queue's tables are at version ${queue.found}, newer than the ${queue.needed} of the installed pg-boss.`,
      meaning:
        'A newer version of the package has migrated this database; processes of this one do not start.',
      remedy: 'Finish the deployment of the newer version, and use its doctor.',
    })
  }
  if (unknown.length > 0) {
    findings.push({
      check: 'migrations',
      level: 'note',
      found: `The database has ${count(unknown.length, 'migration')} that this version does not know.`,
      meaning: 'A newer version of the package has migrated it: fine while that is being deployed.',
      items: unknown,
    })
  }
  return findings.length > 0 ? findings : [ok('migrations', 'All migrations are applied.')]
}

function diagnoseNotifications({ notificationsArrive }: Examined): Finding {
  if (notificationsArrive) return ok('notifications', 'Notifications arrive.')
  return {
    check: 'notifications',
    level: 'problem',
    found: 'A notification that was sent did not arrive.',
    meaning:
      'LISTEN needs a connection that stays open, and so does the lock that shows a lost worker at once. A pooler in transaction mode provides neither. So streams and workers poll, and lost workers are only noticed when their leases run out.',
    remedy:
      'Set DIRECT_URL to the URL of PostgreSQL itself, or let DATABASE_URL lead there or to a pooler in session mode.',
  }
}

function diagnoseWorkers({ workers, runs }: Examined): Finding {
  const { present, busy } = workers
  if (present > 0) {
    return {
      ...ok(
        'workers',
        `${count(present, 'worker')} ${present === 1 ? 'is' : 'are'} there, ${busy.total} of them with runs.`,
      ),
      ...listed(busy, ({ worker, runs: held }) => `${worker} executes ${count(held, 'run')}`),
    }
  }
  const open = runs.open.queued + runs.open.running
  return {
    check: 'workers',
    level: open > 0 ? 'problem' : 'note',
    found: `No worker is there${open > 0 ? `, and ${count(open, 'run')} ${open === 1 ? 'is' : 'are'} queued or running` : ''}.`,
    meaning: 'Nobody executes runs.',
    remedy: 'Start some: agent-runtime worker',
  }
}

function diagnoseQueue({ queue: { twice, deadLetters, schedules } }: Examined): Finding[] {
  return [
    report('queue-backend', twice, {
      none: 'All processes have the same queue.',
      found: `${count(twice.total, 'agent')} ${twice.total === 1 ? 'has' : 'have'} a queue in PostgreSQL and one in Redis.`,
      meaning:
        'Some processes have QUEUE_BACKEND=postgres, others redis. Runs of the first reach workers with redis after some seconds; runs of the others wait for a worker with redis.',
      remedy: 'Give all processes the same QUEUE_BACKEND, and ask again a minute later.',
      item: ({ agentKey, deliveries }) => `${agentKey}: ${deliveries} of the last minute are in PostgreSQL`,
    }),
    report('dead-letters', deadLetters, {
      none: 'There are no dead letters.',
      found: `There ${deadLetters.total === 1 ? 'is' : 'are'} ${count(deadLetters.total, 'dead letter')}.`,
      meaning:
        'Somebody put something other than a delivery into an agent’s queue. No run is lost, but the sender may expect an effect.',
      remedy: 'Find out who writes to the queue, then delete them (docs/operations.md says how).',
      item: ({ id, queue, reason, since }) =>
        `${id} of ${since}, for ${queue || 'an unknown queue'}: ${reason || 'no reason given'}`,
    }),
    {
      ...ok(
        'schedules',
        schedules.total === 0
          ? 'There are no schedules.'
          : `There ${schedules.total === 1 ? 'is' : 'are'} ${count(schedules.total, 'schedule')}.`,
      ),
      ...listed(
        schedules,
        ({ agentKey, name, cron, timeZone, next }) =>
          `${agentKey} ${name} (${cron}, ${timeZone}): next ${next ?? 'never'}`,
      ),
    },
  ]
}

function diagnoseSchedules({ schedules: { total, paused, overdue } }: Examined): Finding[] {
  return [
    ok(
      'callers-schedules',
      total === 0
        ? 'Callers have no schedules.'
        : `Callers have ${count(total, 'schedule')}, ${paused} of them paused.`,
    ),
    report('schedules-overdue', overdue, {
      none: 'No run of a schedule is late.',
      found: `${count(overdue.total, 'schedule')} of callers should have had a run more than ${OVERDUE_SECONDS / 60} minutes ago.`,
      meaning:
        'No process that knows these agents is running, or it cannot find out whether their runs may be created.',
      remedy: 'Start a server or a worker with these agents, or look into the logs of the running ones.',
      item: ({ id, agentKey, since }) => `${id} of ${agentKey}, since ${since}`,
    }),
  ]
}

function diagnoseSizes({ sizes: { tables, oldestEvent } }: Examined): Finding {
  return {
    ...ok(
      'sizes',
      oldestEvent === null ? 'There are no events yet.' : `The oldest event is of ${oldestEvent}.`,
    ),
    items: tables.map(({ name, bytes, rows }) => `${name}: ${megabytes(bytes)}, about ${rows} rows`),
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_048_576).toFixed(1)} MB`
}
