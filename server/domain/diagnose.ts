import type { Examination, Listed, RunFact, SchemaFacts } from '../examination.ts'
import { OVERDUE_SECONDS } from '../examination.ts'

/** `problem`: there is something to do. `note`: worth knowing. `ok`: looked at, and well. */
export type FindingLevel = 'problem' | 'note' | 'ok'

export interface Finding {
  /** Names the check, for machines. */
  check: string
  level: FindingLevel
  /** What was found, in one sentence. */
  found: string
  /** What that means, and what to do. */
  meaning?: string
  remedy?: string
  /** What it is about, a line each, and how many more there are. */
  items?: readonly string[]
  more?: number
}

type Examined = Extract<Examination, { state: 'examined' }>

const DAY_MS = 86_400_000
const MIGRATE = 'Run: agent-runtime migrate'

/** What there is to say about a database, the most basic first. Pure: the same facts, the same words. */
export function diagnose(examination: Examination, now: number): Finding[] {
  switch (examination.state) {
    case 'unreachable':
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
      'LISTEN needs a connection that stays, and so does the lock by which a lost worker is noticed at once. A pooler that hands out a connection per transaction gives neither: streams and workers fall back to polling, and lost workers are noticed by their leases.',
    remedy: 'Let DATABASE_URL lead to PostgreSQL itself, or to a pooler in session mode.',
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

function diagnoseRuns({ runs, workers }: Examined, now: number): Finding[] {
  const { overdue, expiredLeases, abandoned, undelivered, cancelsPending, workerLost, waiting } = runs
  return [
    report('runs-overdue', overdue, {
      none: 'No run waits long for a worker.',
      found: `Runs of ${count(overdue.total, 'agent')} have been due for more than ${OVERDUE_SECONDS / 60} minutes.`,
      meaning:
        workers.present === 0
          ? 'No worker is there to take them.'
          : 'Either all workers are at their concurrency, or none of them serves these agents. What nobody has taken for a day is probably of an agent no deployment knows: one that was dropped or renamed, or is yet to come.',
      remedy:
        'Start more workers, or workers for these agents (--agent-keys); cancel what nobody is to do any more.',
      item: ({ agentKey, runs: due, since }) =>
        `${agentKey}: ${count(due, 'run')}, the first due since ${since}${Date.parse(since) < now - DAY_MS ? ': probably no deployment knows this agent' : ''}`,
    }),
    report('runs-lease-expired', expiredLeases, {
      none: 'No running run has lost its lease.',
      found: `${count(expiredLeases.total, 'run')} should have been taken from a lost worker by now.`,
      meaning: 'Every process looks for them twice a second, so it seems that no process is running.',
      remedy: 'Start a server or a worker, or look into the log of those there are.',
      item: describeHeld,
    }),
    report('runs-abandoned', abandoned, {
      none: 'Every running run has its worker.',
      found: `The worker of ${count(abandoned.total, 'running run')} is not there.`,
      meaning:
        'They go on elsewhere within a second or so of this. If they are still here then, no process is running.',
      remedy: 'Ask again; then start a worker, or look into the log of those there are.',
      item: describeHeld,
    }),
    report('runs-undelivered', undelivered, {
      none: 'Every run that is to be executed is in the queue.',
      found: `${count(undelivered.total, 'run')} would wait for ever: nothing in the queue leads to ${undelivered.total === 1 ? 'it' : 'them'}.`,
      meaning:
        'Run and delivery are written together, so something has removed from the queue by hand or restored a part of the database.',
      remedy: 'Deliver them again: agent-runtime doctor --fix',
      item: describeRun,
    }),
    report('runs-cancel-pending', cancelsPending, {
      none: 'No cancelled run goes on.',
      found: `${count(cancelsPending.total, 'run')} ${cancelsPending.total === 1 ? 'goes' : 'go'} on though cancelled more than a minute ago.`,
      meaning:
        'Its worker does not get to end it: its event loop is blocked, or it can not reach the database.',
      remedy:
        'Look into the log of the worker, and restart it if it hangs: what it writes afterwards is refused.',
      item: describeRun,
    }),
    report('runs-worker-lost', workerLost, {
      none: 'No run has failed for its worker in the last day.',
      found: `${count(workerLost.total, 'run')} failed in the last day because the workers executing ${workerLost.total === 1 ? 'it' : 'them'} died each time.`,
      meaning:
        'They probably kill their worker: out of memory, a crash of native code, process.exit, or a blocked event loop.',
      remedy:
        'Look into what the workers said last, and execute these agents in workers of their own (--agent-keys) meanwhile.',
      item: describeRun,
    }),
    ok(
      'runs-waiting',
      waiting.total === 0 || waiting.oldest === null
        ? 'No run waits for an answer.'
        : `${count(waiting.total, 'run')} ${waiting.total === 1 ? 'waits' : 'wait'} for an answer or a time, the longest since ${waiting.oldest}.`,
    ),
  ]
}

function diagnoseQueue({ queue: { deadLetters, schedules } }: Examined): Finding[] {
  return [
    report('dead-letters', deadLetters, {
      none: 'There are no dead letters.',
      found: `There ${deadLetters.total === 1 ? 'is' : 'are'} ${count(deadLetters.total, 'dead letter')}.`,
      meaning:
        'Somebody put into an agent’s queue what is not a delivery: no run is lost by it, but whoever did it expects something.',
      remedy: 'Find out who writes to the queue, then delete them (docs/operations.md tells how).',
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

function diagnoseSizes({ sizes: { tables, oldestEvent } }: Examined): Finding {
  return {
    ...ok(
      'sizes',
      oldestEvent === null ? 'There are no events yet.' : `The oldest event is of ${oldestEvent}.`,
    ),
    items: tables.map(({ name, bytes, rows }) => `${name}: ${megabytes(bytes)}, about ${rows} rows`),
  }
}

interface Words<T> {
  none: string
  found: string
  meaning: string
  remedy: string
  item(entry: T): string
}

function report<T>(check: string, list: Listed<T>, { none, item, ...words }: Words<T>): Finding {
  return list.total === 0 ? ok(check, none) : { check, level: 'problem', ...words, ...listed(list, item) }
}

function listed<T>(
  { total, listed: shown }: Listed<T>,
  item: (entry: T) => string,
): Pick<Finding, 'items' | 'more'> {
  return { items: shown.map(item), more: total - shown.length }
}

function ok(check: string, found: string): Finding {
  return { check, level: 'ok', found }
}

function describeRun({ id, agentKey, since }: RunFact): string {
  return `${id} of ${agentKey}, since ${since}`
}

function describeHeld(run: RunFact & { worker: string }): string {
  return `${describeRun(run)}, worker ${run.worker}`
}

function count(total: number, what: string): string {
  return `${total} ${what}${total === 1 ? '' : 's'}`
}

function megabytes(bytes: number): string {
  return `${(bytes / 1_048_576).toFixed(1)} MB`
}
