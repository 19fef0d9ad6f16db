/** Query parameters that let somebody in, where a client can set no header. No log is to have what they hold. */
export const QUERY_SECRETS = ['token', 'anonymous_token', 'ticket'] as const

const IN_URL = new RegExp(
  `((?:[?&]|%3f|%26)(?:${QUERY_SECRETS.join('|')})(?:=|%3d))[^&#\\s"'\`\\\\<>]+`,
  'gi',
)

/** A text without what the URLs in it let somebody in by. Also errors of other libraries may tell of a URL. */
export function withoutQuerySecrets(text: string): string {
  return text.replace(IN_URL, '$1[redacted]')
}
