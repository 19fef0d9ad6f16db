import { ModelError } from '../../ports/model.ts'
import { readRetryAfterMs } from './retry-after.ts'

/** Who answered, for the sentences and for keeping the key out of them. */
export interface Provider {
  /** As a person writes it: `OpenAI`. */
  title: string
  keyVariable: string
  apiKey: string
}

/** What an SDK's API error carries, whichever SDK it is. */
export interface ProviderFailure {
  status?: number | undefined
  headers?: Headers | undefined
  type?: string | null | undefined
  code?: string | null | undefined
  message?: string | null | undefined
}

// An error event inside a stream has no HTTP status; these types say that asking again won't help.
const PERMANENT_TYPES: ReadonlySet<string> = new Set([
  'invalid_request_error',
  'authentication_error',
  'permission_error',
  'not_found_error',
  'billing_error',
  'request_too_large',
  'insufficient_quota',
])

/**
 * The error a model client throws for an SDK's error. `failure` is undefined when no answer came or the
 * answer broke off, which may go better next time.
 */
export function toModelError(provider: Provider, cause: unknown, failure?: ProviderFailure): ModelError {
  const { status, headers } = failure ?? {}
  const retryAfterMs = headers === undefined ? undefined : readRetryAfterMs(headers)
  return new ModelError(describe(provider, failure), {
    retriable: isRetriable(failure),
    ...(status === undefined ? {} : { status }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    cause,
  })
}

function isRetriable(failure: ProviderFailure | undefined): boolean {
  if (failure === undefined) return true
  const { status, type, code } = failure
  // A used-up quota comes as 429, too, but only a person can help there.
  if (code === 'insufficient_quota') return false
  if (status === undefined) return !PERMANENT_TYPES.has(type ?? '')
  return status === 408 || status === 409 || status === 429 || status >= 500
}

// Only for requests we got wrong is the provider's own text passed on: it names what to change. Elsewhere
// it would show an end user pieces of keys or the organisation's name.
function describe({ title, keyVariable, apiKey }: Provider, failure: ProviderFailure | undefined): string {
  if (failure === undefined) return `The connection to ${title} failed or broke off.`
  const { status, type, code } = failure
  const label = [status, code ?? type].filter((part) => part !== undefined && part !== null).join(' ')
  if (code === 'insufficient_quota')
    return `The ${title} account has no quota left: check its plan and billing.`
  if (status === 401 || status === 403) return `${title} refused access (${label}): check ${keyVariable}.`
  if (status === 429) return `The rate limit at ${title} is reached (${label}).`
  if (isRetriable(failure)) return `${title} is failing or overloaded (${label}).`
  return `${title} refused the request (${label}): ${withoutKeys(failure.message ?? 'no reason given', apiKey)}`
}

function withoutKeys(text: string, apiKey: string): string {
  return text
    .replaceAll(apiKey, '[key]')
    .replace(/\b(?:sk|key)-[\w*-]{6,}/g, '[key]')
    .slice(0, 300)
}
