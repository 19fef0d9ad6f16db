import type { Logger } from '../ports/logger.ts'
import { ModelError } from '../ports/model.ts'
import type { Model } from '../ports/model.ts'
import { StartupError } from '../ports/startup-error.ts'

/**
 * Loads what a worker's model needs before the first run does.
 *
 * @param isDemanded somebody named the model. One that is there only because a key is set may never be used.
 * @throws StartupError when it was demanded and can never answer: its package is not installed.
 */
export async function prepareModel(
  model: Model,
  { isDemanded, log }: { isDemanded: boolean; log: Logger },
): Promise<void> {
  try {
    await model.prepare?.()
  } catch (error) {
    const isFinal = error instanceof ModelError && !error.retriable
    if (isFinal && isDemanded) throw new StartupError(error.message, { cause: error })
    if (isFinal) log.warn({}, `${error.message}. Until then runs that use ctx.llm fail.`)
    else log.warn({ err: error }, 'The model is not ready. Runs that use ctx.llm may fail.')
  }
}
