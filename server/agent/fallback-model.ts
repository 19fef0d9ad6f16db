import type { Model } from '../ports/model.ts'
import { ModelError } from '../ports/model.ts'

/**
 * A chain of models. When one refuses, or breaks off before it has said anything, the next one is asked. A wrong request is
 * wrong for all of them, so then only the first is asked.
 */
export function withFallback(models: readonly [Model, ...Model[]]): Model {
  const [first, ...others] = models
  if (others.length === 0) return first
  return {
    provider: first.provider,
    name: first.name,
    async *stream(request, signal, onActivity) {
      for (const [index, model] of models.entries()) {
        let hasBegun = false
        try {
          for await (const chunk of model.stream(request, signal, onActivity)) {
            hasBegun = true
            const { provider, name } = model
            // Provider data and usage belong to the model that answered.
            yield chunk.type === 'finish' ? { answeredBy: { provider, name }, ...chunk } : chunk
          }
          return
        } catch (error) {
          const isLast = index === models.length - 1
          if (hasBegun || isLast || !(error instanceof ModelError) || error.code === 'invalid_request')
            throw error
        }
      }
    },
  }
}
