import { FRAMEWORKS, PACES } from '../frameworks/load.ts'
import type { Framework } from '../frameworks/load.ts'
import type { Workload } from '../workload.ts'

/** What the framework's agent is compared with. */
const BARE: Record<Framework, string> = {
  'own-loop': 'toolLoop beside a bare loop over OpenAI’s SDK',
  langgraph: 'runGraph beside a bare LangGraph',
  'openai-agents': 'runAgent beside bare OpenAI Agents',
  'ai-sdk': 'runAISDK beside a bare ToolLoopAgent of the AI SDK',
  subprocess: 'subprocessAgent beside a Python program that prints its deltas',
}

const { firstAfterMs, everyMs, deltas } = PACES.paced

/**
 * The cost of a framework's agent as a run, one run at a time. The floor is the framework alone, in the same
 * worker process. The runtime stores everything in PostgreSQL before a reader gets it, so the first delta
 * waits for that.
 */
export const frameworks: readonly Workload[] = FRAMEWORKS.map((framework) => ({
  key: `w14${framework}`,
  title: `${BARE[framework]}; a delta each ${everyMs} ms, ${deltas} of them, the first after ${firstAfterMs} ms, then ${PACES.max.deltas} at once`,
  transports: ['rest'],
  system: 'frameworks',
  isInProcess: true,
  metrics: [
    {
      key: 'first',
      label: 'begun → first delta (by a reader, from PostgreSQL)',
      unit: 'ms',
      better: 'lower',
    },
    { key: 'paced', label: 'deltas, at their pace', unit: '/s', better: 'higher' },
    {
      key: 'pacedCpu',
      label: 'CPU of the process per 1,000 deltas, at their pace',
      unit: 'ms',
      better: 'lower',
    },
    { key: 'max', label: 'deltas, all at once', unit: '/s', better: 'higher' },
    { key: 'maxCpu', label: 'CPU of the process per 1,000 deltas, all at once', unit: 'ms', better: 'lower' },
  ],
  measure: (target, { side, durationMs }) =>
    target.measure({ framework, isBare: side === 'floor', durationMs }),
}))
