import { z } from 'zod'
import { codeOf, isRetriable } from '../models/provider/failure-code.ts'
import { lenient } from '../models/provider/lenient.ts'
import { readRetryAfterMs } from '../models/provider/retry-after.ts'
import { ModelError } from '../ports/model.ts'

const Text = lenient(z.string())

/** What errors of providers' SDKs have in common. */
const ApiError = z.object({
  status: z.number().min(400).max(599),
  message: Text,
  code: Text,
  type: Text,
  headers: lenient(z.instanceof(Headers)),
})

/** The error of a model, where it is a provider's answer; any other as it is. */
export function toModelFailure(error: unknown): unknown {
  const { success, data } = ApiError.safeParse(error)
  if (!success || error instanceof ModelError) return error
  const code = codeOf(data)
  const retryAfterMs = data.headers === undefined ? undefined : readRetryAfterMs(data.headers)
  return new ModelError(`The model's provider refused the request (${data.status}).`, {
    code,
    retriable: isRetriable(code),
    status: data.status,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    cause: error,
  })
}
