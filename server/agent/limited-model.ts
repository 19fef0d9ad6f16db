import { noTracer } from '../ports/no-tracer.ts'
import type { CostOf, Model } from '../ports/model.ts'
import type { AgentContext } from './context.ts'
import { withIdleLimit } from './idle-limit.ts'
import { tracedModel } from './traced-model.ts'

/** A model of an agent's own, traced and given up when it is silent, as the run's are. */
export function limitedModel(
  {
    modelIdleTimeoutMs = Infinity,
    tracer = noTracer,
  }: Partial<Pick<AgentContext, 'modelIdleTimeoutMs' | 'tracer'>>,
  model: Model,
  costOf: CostOf | undefined,
): Model {
  return tracedModel(withIdleLimit(model, modelIdleTimeoutMs), tracer, costOf)
}
