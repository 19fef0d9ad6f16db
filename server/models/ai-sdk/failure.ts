import { z } from 'zod'
import { ModelError } from '../../ports/model.ts'
import type { ModelErrorCode } from '../../ports/model.ts'
import type { ProviderFailure } from '../provider/failure-code.ts'
import { LenientText, lenient } from '../provider/lenient.ts'
import { type Provider, toModelError } from '../provider/provider-error.ts'

const Said = z.object({
  message: LenientText,
  type: LenientText,
  code: lenient(z.union([z.string(), z.number().transform(String)])),
})
const Body = z.object({ error: lenient(z.union([Said, z.string()])) })

/** An error of a request. Told by its fields: the SDK has more than one version of its classes. */
const ApiCallError = z.object({
  statusCode: z.number(),
  message: LenientText,
  responseHeaders: lenient(z.record(z.string(), z.string())),
  responseBody: LenientText,
  data: z.unknown().optional(),
})

/** Errors that the SDK finds before it sends anything, or that mean the same each time. */
const OURS: Readonly<Record<string, ModelErrorCode>> = {
  AI_LoadAPIKeyError: 'access_denied',
  AI_LoadSettingError: 'access_denied',
  AI_NoSuchModelError: 'not_found',
  AI_InvalidArgumentError: 'invalid_request',
  AI_InvalidPromptError: 'invalid_request',
  AI_UnsupportedFunctionalityError: 'invalid_request',
}

/** The error for one of the AI SDK's, or of a model's. */
export function toError(title: string, cause: unknown): ModelError {
  const provider: Provider = { title, keyVariable: 'its API key', apiKey: '' }
  const name = cause instanceof Error ? cause.name : undefined
  const ours = name === undefined ? undefined : OURS[name]
  if (ours !== undefined) {
    return new ModelError((cause as Error).message, { code: ours, retriable: false, cause })
  }
  return toModelError(provider, cause, failureOf(cause))
}

/** Undefined where no answer came. */
function failureOf(cause: unknown): ProviderFailure | undefined {
  if (cause === undefined) return undefined
  const refused = ApiCallError.safeParse(cause)
  if (refused.success) {
    const { statusCode: status, responseHeaders = {}, responseBody, data, message } = refused.data
    // The answer had begun, and broke off.
    if (status < 400) return undefined
    const said = readBody(data) ?? readBody(parse(responseBody))
    return { message, ...said, status, headers: new Headers(responseHeaders) }
  }
  if (cause instanceof Error) {
    return cause.name === 'AI_APICallError' || cause instanceof TypeError
      ? undefined
      : { message: cause.message }
  }
  // In a stream it is what the provider sent.
  return readBody({ error: cause }) ?? readBody(cause) ?? {}
}

function readBody(body: unknown): ProviderFailure | undefined {
  const { error } = Body.safeParse(body).data ?? {}
  return typeof error === 'string' ? { message: error } : error
}

function parse(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '')
  } catch {
    return undefined
  }
}
