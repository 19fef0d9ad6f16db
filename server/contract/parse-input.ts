import type { z } from 'zod'
import { AgentRuntimeError } from './agent-runtime-error.ts'
import { excessOf } from './json.ts'

/** What an error tells of what was sent: enough to mend it, however much is wrong. */
const MAX_ISSUES = 10
const MAX_CHARACTERS = 200

/**
 * What a caller sent, as `schema` has it.
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

type Issues = readonly { path: PropertyKey[]; message: string }[]

/** @param prefix of the paths: what the value is called where it came from. */
export function invalid(message: string, issues: Issues, prefix: string[] = []): AgentRuntimeError {
  const more = issues.length > MAX_ISSUES ? ` (and ${issues.length - MAX_ISSUES} more)` : ''
  return new AgentRuntimeError('validation_failed', message + more, { details: detailsOf(issues, prefix) })
}

function detailsOf(issues: Issues, prefix: string[] = []) {
  return issues.slice(0, MAX_ISSUES).map(({ path, message }) => ({
    path: shortened([...prefix, ...path].map(String).join('.')),
    message: shortened(message),
  }))
}

/** What is repeated of a request in an answer. */
export function shortened(text: string): string {
  return text.length <= MAX_CHARACTERS ? text : `${text.slice(0, MAX_CHARACTERS)}…`
}
