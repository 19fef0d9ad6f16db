import type { AgentMessage } from '../contract/message.ts'
import type { CostOf, Model, TokenUsage, WindowOf } from '../ports/model.ts'
import { priced } from './priced.ts'

/** What a run's model calls count towards, and what they are given of its files. */
export interface ModelCount {
  /** What an answer cost; null where that is not known. */
  costOf: CostOf
  windowOf: WindowOf
  /** @throws when the run may make no further call. */
  assertLeft(): void
  /** Reports what a call took, as its provider says. */
  report(model: string, usage: TokenUsage): Promise<void>
  /** The messages with what is in uploaded files in place of their ids, which no provider knows. */
  withFiles(messages: readonly AgentMessage[]): Promise<readonly AgentMessage[]>
}

const counts = new WeakMap<Model, { model: Model; count: ModelCount }>()

/** The same model, whose calls count: it makes none once the count says so, and reports what each took and cost. */
export function countedModel(model: Model, count: ModelCount): Model {
  const counted: Model = {
    provider: model.provider,
    name: model.name,
    async *stream(request, signal, onActivity) {
      for await (const chunk of guarded(model, count).stream(request, signal, onActivity)) {
        if (chunk.type === 'finish') await count.report(chunk.answeredBy?.name ?? model.name, chunk.usage)
        yield chunk
      }
    },
  }
  counts.set(counted, { model, count })
  return counted
}

/** Has `other` stand for a model whose calls count: it is known by both. */
export function countedAs<T extends Model>(counted: Model, other: T): T {
  const known = counts.get(counted)
  if (known !== undefined) counts.set(other, known)
  return other
}

/** How many tokens a request to `model` may have, as the run of `llm` knows it. */
export function contextWindowOf(llm: Model, model: Model): number | null {
  return counts.get(llm)?.count.windowOf(model) ?? null
}

/**
 * For who reports each call by itself, once over all attempts: `llm` without its own reports, or another model, whose
 * calls count as those of `llm` do.
 *
 * @param limit what holds for another model, unless it is one that counts by itself.
 */
export function unreported(
  llm: Model,
  other?: Model,
  limit: (model: Model, costOf: CostOf | undefined) => Model = (model) => model,
): Model {
  const count = counts.get(llm)?.count
  const asked = other === undefined ? llm : other
  const model = counts.get(asked)?.model ?? (other === undefined ? llm : limit(other, count?.costOf))
  return count === undefined ? model : guarded(model, count)
}

/** Another model, whose calls count and are reported as those of `llm` are. @param limit what else holds for it. */
export function countedLike(
  llm: Model,
  other: Model,
  limit: (model: Model, costOf: CostOf | undefined) => Model,
): Model {
  const count = counts.get(llm)?.count
  const model = limit(other, count?.costOf)
  return count === undefined ? model : countedModel(model, count)
}

function guarded(model: Model, count: ModelCount): Model {
  return {
    provider: model.provider,
    name: model.name,
    async *stream(request, signal, onActivity) {
      count.assertLeft()
      const messages = await count.withFiles(request.messages)
      for await (const chunk of model.stream({ ...request, messages }, signal, onActivity)) {
        yield priced(chunk, model, count.costOf)
      }
    },
  }
}

/** For models that frameworks ask, whose usage is told by events. @returns undefined of a model whose calls are not counted. */
export function countOf(llm: Model): Pick<ModelCount, 'assertLeft' | 'costOf'> | undefined {
  return counts.get(llm)?.count
}
