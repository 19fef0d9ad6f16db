import { ModelError } from '../../ports/model.ts'
import type { ModelErrorCode } from '../../ports/model.ts'
import { type ProviderFailure, codeOf, isRetriable } from './failure-code.ts'
import { readRetryAfterMs } from './retry-after.ts'

/** Who answered, for the sentences and for keeping the key out of them. */
export interface Provider {
  /** As a person writes it: `OpenAI`. */
  title: string
  keyVariable: string
  apiKey: string
}

/**
 * The error a model client throws for an SDK's error. `failure` is undefined when no answer came or the
 * answer broke off, which may go better next time.
 */
export function toModelError(provider: Provider, cause: unknown, failure?: ProviderFailure): ModelError {
  const { status, headers } = failure ?? {}
  const retryAfterMs = headers === undefined ? undefined : readRetryAfterMs(headers)
  const code = codeOf(failure)
  return new ModelError(describe(provider, code, failure), {
    code,
    retriable: isRetriable(code),
    ...(status === undefined ? {} : { status }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    cause,
  })
}

// Only for requests we got wrong is the provider's own text passed on: it names what to change. Elsewhere
// it would show an end user pieces of keys or the organisation's name.
function describe(
  { title, keyVariable, apiKey }: Provider,
  code: ModelErrorCode,
  failure: ProviderFailure | undefined,
): string {
  if (failure === undefined) return `The connection to ${title} failed or broke off.`
  const label = labelOf(failure)
  const reason = withoutKeys(failure.message ?? 'no reason given', apiKey)
  switch (code) {
    case 'quota_exhausted':
      return `The ${title} account has no quota left: check its plan and billing.`
    case 'access_denied':
      return `${title} refused access (${label}): check ${keyVariable}.`
    case 'rate_limited':
      return `The rate limit at ${title} is reached (${label}).`
    case 'context_overflow':
      return `The conversation is too long for the model at ${title} (${label}): ${reason}`
    case 'refused':
    case 'not_found':
    case 'invalid_request':
    case 'unknown':
      return `${title} refused the request (${label}): ${reason}`
    case 'overloaded':
    case 'server_error':
    case 'timed_out':
    case 'connection':
      return `${title} is failing or overloaded (${label}).`
  }
}

/** `429 rate_limit_exceeded`. */
function labelOf({ status, type, code }: ProviderFailure): string {
  const name = code === String(status) ? type : (code ?? type)
  return [status, name].filter((part) => part !== undefined && part !== null && part !== '').join(' ')
}

function withoutKeys(text: string, apiKey: string): string {
  return text
    .replaceAll(apiKey || '[key]', '[key]')
    .replace(/\b(?:sk|key)-[\w*-]{6,}/g, '[key]')
    .slice(0, 300)
}
