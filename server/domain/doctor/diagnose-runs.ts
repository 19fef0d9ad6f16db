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
    report('runs-unsent', unsent, {
      none: 'No run waits to be sent to a queue elsewhere.',
      found: `The queue in Redis should have ${count(unsent.total, 'more run')} by now.`,
      meaning:
        'Every process with QUEUE_BACKEND=redis sends them within seconds: none is there, or none reaches Redis. No run is lost by it.',
      remedy: 'Start a server or a worker with QUEUE_BACKEND=redis, or look into the log of those there are.',
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
    report('runs-suspect', suspect, {
      none: 'No open run has lost its workers again and again.',
      found: `${count(suspect.total, 'run')} ${suspect.total === 1 ? 'has' : 'have'} lost their workers together with others, again and again.`,
      meaning:
        'One of them may be what ends the workers. Each is executed in a process of its own now, where that shows; workers in processes of yours can not start any.',
      remedy:
        'Look into what the workers said last. A run that ends its own process fails within its attempts.',
      item: describeRun,
    }),
    report('runs-worker-lost', workerLost, {
      none: 'No run has failed for its worker in the last day.',
      found: `${count(workerLost.total, 'run')} failed in the last day because the workers executing ${workerLost.total === 1 ? 'it' : 'them'} died each time.`,
      meaning:
        'They probably kill their worker: out of memory, a crash of native code, process.exit, or a blocked event loop.',
      remedy: "Look into what the workers said last, and give these agents isolation: 'process' meanwhile.",
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
        ? 'No run waits for room among the runs at once of its tenant.'
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
