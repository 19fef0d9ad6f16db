import type { Examination, RunFact } from '../../ports/examination.ts'
import { OVERDUE_SECONDS } from '../../ports/examination.ts'
import { count, ok, report } from './finding.ts'
import type { Finding } from './finding.ts'

type Examined = Extract<Examination, { state: 'examined' }>

const DAY_MS = 86_400_000

/** The findings about runs. */
// oxlint-disable-next-line max-lines-per-function -- A table of texts, in the order of the report.
export function diagnoseRuns({ runs, workers }: Pick<Examined, 'runs' | 'workers'>, now: number): Finding[] {
  const {
    overdue,
    expiredLeases,
    abandoned,
    undelivered,
    unsent,
    cancelsPending,
    suspect,
    workerLost,
    waiting,
    parked,
  } = runs
  return [
    report('runs-overdue', overdue, {
      none: 'No run waits long for a worker.',
      found: `Runs of ${count(overdue.total, 'agent')} have been due for more than ${OVERDUE_SECONDS / 60} minutes.`,
      meaning:
        workers.present === 0
          ? 'No worker is there to take them.'
          : 'Either all workers are at their concurrency, or none of them serves these agents. A run that waits for a day probably belongs to an agent that no deployment knows: it was dropped, renamed or not deployed yet.',
      remedy:
        'Start more workers, or workers for these agents (--agent-keys); cancel runs that are no longer needed.',
      item: ({ agentKey, runs: due, since }) =>
        `${agentKey}: ${count(due, 'run')}, the first due since ${since}${Date.parse(since) < now - DAY_MS ? ': probably no deployment knows this agent' : ''}`,
    }),
    report('runs-lease-expired', expiredLeases, {
      none: 'No running run has lost its lease.',
      found: `${count(expiredLeases.total, 'run')} should have been taken from a lost worker by now.`,
      meaning: 'Every process looks for them twice a second, so it seems that no process is running.',
      remedy: 'Start a server or a worker, or look into the logs of the running ones.',
      item: describeHeld,
    }),
    report('runs-abandoned', abandoned, {
      none: 'Every running run has its worker.',
      found: `The worker of ${count(abandoned.total, 'running run')} is gone.`,
      meaning:
        'Other workers take them within about a second. If they are still listed then, no process is running.',
      remedy:
        'Run this again. If they are still listed, start a worker, or look into the logs of the running ones.',
      item: describeHeld,
    }),
    report('runs-undelivered', undelivered, {
      none: 'Every run that is to be executed is in the queue.',
      found: `${count(undelivered.total, 'run')} would wait for ever: the queue has no delivery for ${undelivered.total === 1 ? 'it' : 'them'}.`,
      meaning:
        'Run and delivery are written together. So somebody removed deliveries by hand, or restored only a part of the database.',
      remedy: 'Deliver them again: agent-runtime doctor --fix',
      item: describeRun,
    }),
    report('runs-unsent', unsent, {
      none: 'No run waits to be sent to a queue elsewhere.',
      found: `The queue in Redis should have ${count(unsent.total, 'more run')} by now.`,
      meaning:
        'Every process with QUEUE_BACKEND=redis sends them within seconds: no such process is running, or none reaches Redis. No run is lost.',
      remedy:
        'Start a server or a worker with QUEUE_BACKEND=redis, or look into the logs of the running ones.',
      item: describeRun,
    }),
    report('runs-cancel-pending', cancelsPending, {
      none: 'No cancelled run goes on.',
      found: `${count(cancelsPending.total, 'run')} ${cancelsPending.total === 1 ? 'goes' : 'go'} on though cancelled more than a minute ago.`,
      meaning: 'Its worker cannot end it: its event loop is blocked, or it cannot reach the database.',
      remedy:
        'Look into the log of the worker, and restart it if it hangs. Nothing that it writes afterwards is accepted.',
      item: describeRun,
    }),
    report('runs-suspect', suspect, {
      none: 'No open run has lost its workers again and again.',
      found: `${count(suspect.total, 'run')} ${suspect.total === 1 ? 'has' : 'have'} lost their workers together with others, again and again.`,
      meaning:
        'One of them may kill the workers. Each is now executed in a process of its own, which shows the culprit. Workers inside your own processes cannot start such processes.',
      remedy:
        'Read the last log lines of the lost workers. A run that kills its own process fails when its attempts are used up.',
      item: describeRun,
    }),
    report('runs-worker-lost', workerLost, {
      none: 'No run has failed in the last day because its workers died.',
      found: `${count(workerLost.total, 'run')} failed in the last day because the workers executing ${workerLost.total === 1 ? 'it' : 'them'} died each time.`,
      meaning:
        'They probably kill their worker: out of memory, a crash of native code, process.exit, or a blocked event loop.',
      remedy:
        "Read the last log lines of the lost workers, and give these agents isolation: 'process' meanwhile.",
      item: describeRun,
    }),
    ok(
      'runs-waiting',
      waiting.total === 0 || waiting.oldest === null
        ? 'No run waits for an answer.'
        : `${count(waiting.total, 'run')} ${waiting.total === 1 ? 'waits' : 'wait'} for an answer or a time, the longest since ${waiting.oldest}.`,
    ),
    ok(
      'runs-parked',
      parked.total === 0 || parked.oldest === null
        ? 'No run waits because its principal or tenant has too many runs at once.'
        : `${count(parked.total, 'run')} of ${count(parked.tenants, 'tenant')} ${parked.total === 1 ? 'waits' : 'wait'} for others of the same principal or tenant to end, the longest since ${parked.oldest}.`,
    ),
  ]
}

function describeRun({ id, agentKey, since }: RunFact): string {
  return `${id} of ${agentKey}, since ${since}`
}

function describeHeld(run: RunFact & { worker: string }): string {
  return `${describeRun(run)}, worker ${run.worker}`
}
