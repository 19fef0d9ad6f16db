import type { Logger } from '../ports/logger.ts'
import type { Model, ModelErrorCode } from '../ports/model.ts'
import { ModelError } from '../ports/model.ts'

const MIN_DELAY_MS = 1_000
const MAX_DELAY_MS = 30_000

/** Errors that pass by themselves: the provider has no room now. */
const PASSING: ReadonlySet<ModelErrorCode> = new Set(['overloaded', 'rate_limited'])

export interface Patience {
  /** How long to go on asking, in milliseconds from the first refusal. */
  patienceMs: number
  log: Logger
  now(): number
  /** Resolves after `ms`, or at once when the signal aborts. */
  sleep(ms: number, signal: AbortSignal): Promise<void>
}

/**
 * The same model, asked again while its provider is overloaded or limits the rate. The pauses grow to half a minute, and are
 * never shorter than the provider asks. An answer that has begun is not asked for again, since its readers have the
 * beginning already.
 */
export function withPatience(model: Model, { patienceMs, log, now, sleep }: Patience): Model {
  if (patienceMs === 0) return model
  return {
    provider: model.provider,
    name: model.name,
    async *stream(request, signal, onActivity) {
      let until: number | undefined
      for (let tries = 0; ; tries += 1) {
        let hasBegun = false
        try {
          for await (const chunk of model.stream(request, signal, onActivity)) {
            hasBegun = true
            yield chunk
          }
          return
        } catch (error) {
          if (hasBegun || !(error instanceof ModelError) || !PASSING.has(error.code)) throw error
          until ??= now() + patienceMs
          const delayMs = Math.max(error.retryAfterMs ?? 0, Math.min(MIN_DELAY_MS * 2 ** tries, MAX_DELAY_MS))
          if (now() + delayMs > until) throw error
          log.warn(
            { model: model.name, code: error.code, delayMs },
            'a model has no room, and is asked again',
          )
          await sleep(delayMs, signal)
          signal.throwIfAborted()
        }
      }
    },
  }
}
