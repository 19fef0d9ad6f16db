import { NonRetriableError } from '../../agent/non-retriable-error.ts'
import { toModelFailure } from '../model-failure.ts'

/** Errors that another attempt would meet again. */
const FINAL: ReadonlySet<string> = new Set([
  'MaxTurnsExceededError',
  'UserError',
  'InputGuardrailTripwireTriggered',
  'OutputGuardrailTripwireTriggered',
  'ToolInputGuardrailTripwireTriggered',
  'ToolOutputGuardrailTripwireTriggered',
])

export function toRunFailure(error: unknown): unknown {
  const kind = error instanceof Error ? error.constructor.name : ''
  if (FINAL.has(kind)) return new NonRetriableError((error as Error).message, { cause: error })
  return toModelFailure(error)
}
