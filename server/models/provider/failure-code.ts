import type { ModelErrorCode } from '../../ports/model.ts'

/** What an SDK's API error carries, whichever SDK it is, or an error in mid-stream. */
export interface ProviderFailure {
  status?: number | undefined
  headers?: Headers | undefined
  type?: string | null | undefined
  code?: string | null | undefined
  message?: string | null | undefined
}

/** By what providers call an error, as its type or code. */
const CODES: Readonly<Record<string, ModelErrorCode>> = {
  insufficient_quota: 'quota_exhausted',
  billing_error: 'quota_exhausted',
  billing_not_active: 'quota_exhausted',
  billing_hard_limit_reached: 'quota_exhausted',
  context_length_exceeded: 'context_overflow',
  request_too_large: 'context_overflow',
  string_above_max_length: 'context_overflow',
  content_filter: 'refused',
  content_policy_violation: 'refused',
  content_policy: 'refused',
  invalid_prompt: 'refused',
  data_inspection_failed: 'refused',
  authentication_error: 'access_denied',
  permission_error: 'access_denied',
  invalid_api_key: 'access_denied',
  not_found_error: 'not_found',
  model_not_found: 'not_found',
  invalid_request_error: 'invalid_request',
  rate_limit_error: 'rate_limited',
  rate_limit_exceeded: 'rate_limited',
  overloaded_error: 'overloaded',
  server_overloaded: 'overloaded',
  engine_overloaded: 'overloaded',
  service_unavailable: 'overloaded',
  slow_down: 'overloaded',
  timeout_error: 'timed_out',
}

/** Texts of errors, since many servers give no code. */
const OVERFLOW =
  /context[ _](?:length|window|size)|maximum (?:prompt|input) length|(?:prompt|input|request) is too (?:long|large)|too many (?:input )?tokens|exceeds? the (?:model|maximum|max)[^.]{0,40}tokens|reduce the length/i
const REFUSED =
  /content[ _](?:policy|filter|management)|safety (?:system|filter)|responsible ai|usage policies/i

const STATUSES: Readonly<Record<number, ModelErrorCode>> = {
  401: 'access_denied',
  402: 'quota_exhausted',
  403: 'access_denied',
  404: 'not_found',
  408: 'timed_out',
  409: 'server_error',
  413: 'context_overflow',
  425: 'overloaded',
  429: 'rate_limited',
  502: 'overloaded',
  503: 'overloaded',
  504: 'overloaded',
  529: 'overloaded',
}

/** The kind of a failure. `connection` where no answer came, or only a part of it. */
export function codeOf(failure: ProviderFailure | undefined): ModelErrorCode {
  if (failure === undefined) return 'connection'
  const { status, type, code, message } = failure
  const named = CODES[code ?? ''] ?? CODES[type ?? '']
  if (named !== undefined && named !== 'invalid_request') return named
  const isOurs = named === 'invalid_request' || (status !== undefined && status >= 400 && status < 500)
  if (isOurs && status !== 429) {
    if (OVERFLOW.test(message ?? '')) return 'context_overflow'
    if (status !== 401 && REFUSED.test(message ?? '')) return 'refused'
  }
  if (status !== undefined) return STATUSES[status] ?? (status >= 500 ? 'server_error' : 'invalid_request')
  if (named !== undefined) return named
  return /overloaded|capacity|unavailable/i.test(`${type ?? ''} ${message ?? ''}`)
    ? 'overloaded'
    : 'server_error'
}

const RETRIABLE: ReadonlySet<ModelErrorCode> = new Set([
  'rate_limited',
  'overloaded',
  'server_error',
  'connection',
  'timed_out',
])

export function isRetriable(code: ModelErrorCode): boolean {
  return RETRIABLE.has(code)
}
