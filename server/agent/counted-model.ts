import type { AgentMessage } from '../contract/message.ts'
import type { Model, TokenUsage } from '../ports/model.ts'

/** What a run's model calls count towards, and what they are given of its files. */
export interface ModelCount {
  /** @throws when the run may make no further call. */
  assertLeft(): void
  /** What a call took, as its provider says. */
  report(model: string, usage: TokenUsage): Promise<void>
  /** The messages with what is in uploaded files in place of their ids, which no provider knows. */
  withFiles(messages: readonly AgentMessage[]): Promise<readonly AgentMessage[]>
}

const counts = new WeakMap<Model, { model: Model; count: ModelCount }>()

/** The same model, whose calls count: it makes none once the count says so, and reports what each took. */
export function countedModel(model: Model, count: ModelCount): Model {
  const counted: Model = {
    provider: model.provider,
    name: model.name,
    async *stream(request, signal, onActivity) {
      for await (const chunk of guarded(model, count).stream(request, signal, onActivity)) {
        if (chunk.type === 'finish') await count.report(model.name, chunk.usage)
        yield chunk
      }
    },
  }
  counts.set(counted, { model, count })
  return counted
}

/**
 * For who reports each call by itself, once over all attempts: `llm` without its own reports, or another model, whose
 * calls count as those of `llm` do.
 */
export function unreported(llm: Model, other?: Model): Model {
  const known = counts.get(llm)
  return known === undefined ? (other ?? llm) : guarded(other ?? known.model, known.count)
}

function guarded(model: Model, count: ModelCount): Model {
  return {
    provider: model.provider,
    name: model.name,
    async *stream(request, signal, onActivity) {
      count.assertLeft()
      const messages = await count.withFiles(request.messages)
      yield* model.stream({ ...request, messages }, signal, onActivity)
    },
  }
}
