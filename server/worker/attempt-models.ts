import type { AgentContext } from '../agent/context.ts'
import type { AgentFiles } from '../agent/agent-files.ts'
import { countedModel } from '../agent/counted-model.ts'
import { withFallback } from '../agent/fallback-model.ts'
import { withFileContents } from '../agent/file-contents.ts'
import { withIdleLimit } from '../agent/idle-limit.ts'
import { type Llm, createLlm } from '../agent/llm.ts'
import { withPatience } from '../agent/patient-model.ts'
import { tracedModel } from '../agent/traced-model.ts'
import { isUsedUp } from '../lifecycle/charges.ts'
import type { ClaimedRun } from '../ports/attempt.ts'
import type { Clock } from '../ports/clock.ts'
import type { Logger } from '../ports/logger.ts'
import { ModelError } from '../ports/model.ts'
import type { CostOf, Model, WindowOf } from '../ports/model.ts'
import type { Tracer } from '../ports/tracer.ts'
import type { Spending } from './budget.ts'

export interface ModelPorts {
  clock: Clock
  log: Logger
  tracer: Tracer
  llm: Model
  modelIdleTimeoutMs: number
  /** How long an overloaded model is waited for in a run's last attempt. Default: not at all. */
  modelPatienceMs?: number
  /** A model by its name. Default: there is none but `llm`. @throws ModelError for one that there is not. */
  findModel?: (id: string) => Model
  /** What a model's answer cost. Default: that is not known. */
  costOf?: CostOf
  /** How many tokens a request to a model may have. Default: that is not known. */
  windowOf?: WindowOf
}

interface Asking {
  run: Pick<ClaimedRun, 'failures' | 'maxAttempts'>
  signal: AbortSignal
  spending: Spending
  emit: AgentContext['emit']
  files: AgentFiles
}

/** `ctx.llm` of one attempt, and the other models that it may ask. The same limits hold for all of them. */
export function createAttemptModels(ports: ModelPorts, { run, signal, spending, emit, files }: Asking): Llm {
  const { clock, log, tracer, modelIdleTimeoutMs, findModel = noOtherModel } = ports
  const { costOf = () => null, windowOf = () => null } = ports
  // An attempt before the last is followed by another, which a worker elsewhere may take. The last is not given up so soon.
  const isLast = isUsedUp(run.failures + 1, run.maxAttempts)
  const patience = {
    patienceMs: isLast ? (ports.modelPatienceMs ?? 0) : 0,
    log,
    now: () => clock.now(),
    sleep: (ms: number, aborted: AbortSignal) => clock.sleep(ms, aborted),
  }
  const counted = (model: Model) =>
    countedModel(
      tracedModel(withPatience(withIdleLimit(model, modelIdleTimeoutMs), patience), tracer, costOf),
      {
        costOf,
        windowOf,
        assertLeft: () => spending.assertLeft(),
        report: (name, usage) => emit('usage', { model: name, ...usage }),
        withFiles: (asked) => withFileContents(asked, files),
      },
    )
  return createLlm(counted(ports.llm), {
    signal,
    find: ([first, ...others]) => counted(withFallback([findModel(first), ...others.map(findModel)])),
  })
}

function noOtherModel(id: string): never {
  throw new ModelError(`There is no model "${id}" here.`, { code: 'not_found', retriable: false })
}
