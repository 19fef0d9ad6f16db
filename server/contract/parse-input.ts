import type { z } from 'zod'
import { AgentRuntimeError } from './agent-runtime-error.ts'
import { MAX_ISSUES, detailsOf } from './issues.ts'
import type { Issues } from './issues.ts'
import { excessOf } from './json.ts'

/**
 * Parses a caller's input by `schema`.
 *
 * @throws AgentRuntimeError `validation_failed`
 */
export function parseInput<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const excess = excessOf(value)
  if (excess !== undefined) {
    throw new AgentRuntimeError('validation_failed', `The request is not valid: it is ${excess}.`)
  }
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const { issues } = parsed.error
  const [first] = detailsOf(issues)
  const where = first === undefined || first.path === '' ? '' : ` at ${first.path}`
  throw invalid(`The request is not valid${where}: ${first?.message}`, issues)
}

/** @param prefix of the paths: the name of the value at the caller. */
export function invalid(message: string, issues: Issues, prefix: string[] = []): AgentRuntimeError {
  const more = issues.length > MAX_ISSUES ? ` (and ${issues.length - MAX_ISSUES} more)` : ''
  return new AgentRuntimeError('validation_failed', message + more, { details: detailsOf(issues, prefix) })
}
