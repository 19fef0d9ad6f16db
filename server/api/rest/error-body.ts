import { z } from 'zod'
import type { AgentRuntimeError, ErrorBody } from '../../contract/agent-runtime-error.ts'
import { snake } from './wire.ts'

const Issues = z.array(z.object({ path: z.string(), message: z.string() })).min(1)
/** Below these, names are the caller's own. */
const FREE_FORM = new Set(['params', 'metadata', 'value'])

/** An error of a use case, which has its own names for fields, with those that a caller of REST wrote. */
export function toRestErrorBody(error: AgentRuntimeError): ErrorBody {
  const body = error.toBody()
  const issues = error.code === 'validation_failed' ? Issues.safeParse(body.details).data : undefined
  if (issues === undefined) return body
  const details = issues.map(({ path, message }) => ({ path: restPath(path), message }))
  const [first] = issues
  return { ...body, error: body.error.replace(` at ${first?.path}:`, ` at ${details[0]?.path}:`), details }
}

function restPath(path: string): string {
  const [field = '', ...rest] = path.split('.')
  return [snake(field), ...(FREE_FORM.has(field) ? rest : rest.map(snake))].join('.')
}
