import { z } from 'zod'
import type { AgentRuntimeError, ErrorBody } from '../../contract/agent-runtime-error.ts'
import { ERROR_CODES } from '../../contract/agent-runtime-error.ts'
import { answerSchema } from './wire/named.ts'
import { FreeJson, snake } from './wire/names.ts'

/** The body of every error. Clients read the sentence by either name. */
export interface RestErrorBody extends ErrorBody {
  detail: string
  /** The problems of each field of the request, by its name. */
  [field: string]: unknown
}

export const RestError = answerSchema(
  'Error',
  z.looseObject({
    error: z.string().describe('One sentence for a person: what is wrong and, where possible, what to do.'),
    detail: z.string().describe('The same as `error`.'),
    code: z.enum(ERROR_CODES),
    details: FreeJson.optional().describe('Details, such as the fields that are wrong.'),
  }),
)

const Issues = z.array(z.object({ path: z.string(), message: z.string() })).min(1)
/** Names below these fields are the caller's own. */
const FREE_FORM = new Set(['params', 'metadata', 'value'])

/** Replaces the field names of a use case's error by the names that a REST caller wrote. */
export function toRestErrorBody(error: AgentRuntimeError): RestErrorBody {
  const body = error.toBody()
  const issues = error.code === 'validation_failed' ? Issues.safeParse(body.details).data : undefined
  if (issues === undefined) return { ...body, detail: body.error }
  const details = issues.map(({ path, message }) => ({ path: restPath(path), message }))
  const [first] = issues
  const sentence = body.error.replace(` at ${first?.path}:`, ` at ${details[0]?.path}:`)
  return { ...body, error: sentence, detail: sentence, details, ...byField(details) }
}

/** In the form that frameworks of other languages use, since their clients look for problems there. */
function byField(details: z.infer<typeof Issues>): Record<string, string[]> {
  const fields = Map.groupBy(details, ({ path }) => path.split('.', 1)[0] ?? '')
  for (const taken of ['', 'error', 'detail', 'details', 'code']) fields.delete(taken)
  return Object.fromEntries(
    [...fields].map(([field, issues]) => [field, issues.map(({ message }) => message)]),
  )
}

function restPath(path: string): string {
  const [field = '', ...rest] = path.split('.')
  return [snake(field), ...(FREE_FORM.has(field) ? rest : rest.map(snake))].join('.')
}
