/** Query parameters that authenticate, for clients that can set no header. Their values must not be logged. */
export const QUERY_SECRETS = ['token', 'anonymous_token', 'ticket'] as const

const IN_URL = new RegExp(
  `((?:[?&]|%3f|%26)(?:${QUERY_SECRETS.join('|')})(?:=|%3d))[^&#\\s"'\`\\\\<>]+`,
  'gi',
)

/** The text with the secrets of its URLs removed. Errors of other libraries may contain URLs too. */
export function withoutQuerySecrets(text: string): string {
  return text.replace(IN_URL, '$1[redacted]')
}
