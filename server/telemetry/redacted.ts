// What must not be read in a log: values of fields that are called like a secret, and texts that look like one.
import { withoutQuerySecrets } from '../ports/query-secrets.ts'

const REDACTED = '[redacted]'

/** What a field's name ends with, as a secret's: `password`, `apiKey`, `client_secret`, `x-anonymous-token`, but not `inputTokens`. */
const NAME_END = String.raw`(?:passw(?:or)?d|passphrase|secret|authorization|cookie|api[_-]?key|private[_-]?key|credentials?|token)`
const FIELD_NAME = new RegExp(String.raw`^[\w-]*${NAME_END}$`, 'i')
const NAMED_FIELD = new RegExp(`${NAME_END}":`, 'i')

const SECRETS = new RegExp(
  [
    // Keys of providers: OpenAI and Anthropic, GitHub, Slack, AWS, Google.
    String.raw`\bsk-[\w-]{16,}`,
    String.raw`\b(?:gh[pousr]|github_pat)_\w{20,}`,
    String.raw`\bxox[a-z]-[\w-]{10,}`,
    String.raw`\bAKIA[A-Z\d]{16}\b`,
    String.raw`\bAIza[\w-]{30,}`,
    // Ours, and those of webhooks.
    String.raw`\bar_[\w-]{40,}`,
    String.raw`\bwhsec_[\w+/=-]{20,}`,
    // JSON Web Tokens.
    String.raw`\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*`,
    String.raw`-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)`,
    // After what says what they are: a header's scheme, the user in a URL.
    String.raw`(?<=\b(?:Bearer|Basic|Token) )[\w.~+/-]{8,}=*`,
    String.raw`(?<=://[^\s:/@"]*:)[^\s/@"]+(?=@)`,
  ].join('|'),
  'g',
)

/** The text without what looks like a secret. */
export function withoutSecrets(text: string): string {
  return withoutQuerySecrets(text).replace(SECRETS, REDACTED)
}

/** A line of JSON without that, and without the values of fields that are called like a secret, at any depth. */
export function withoutSecretFields(line: string): string {
  if (!NAMED_FIELD.test(line)) return line
  const redacted: unknown = JSON.parse(line, (name, value: unknown) =>
    isSecret(name, value) ? REDACTED : value,
  )
  return `${JSON.stringify(redacted)}\n`
}

/** Whether there is one may be told, and what is empty is none. */
function isSecret(name: string, value: unknown): boolean {
  return FIELD_NAME.test(name) && value !== null && value !== '' && typeof value !== 'boolean'
}
