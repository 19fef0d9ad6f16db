import { z } from 'zod'

/** The events that webhooks report. */
export type WebhookEvent = z.infer<typeof WebhookEvent>
export const WebhookEvent = z.enum([
  'run.waiting',
  'run.succeeded',
  'run.failed',
  'run.cancelled',
  'run.timed_out',
])

/** The secret with which receivers verify signatures. */
export const WebhookSecret = z
  .string()
  .refine((text) => isSecret(text), 'a secret is "whsec_" and 24 to 64 bytes in base64')

function isSecret(text: string): boolean {
  const [, base64 = ''] = /^whsec_([\w+/]+)={0,2}$/.exec(text) ?? []
  const bytes = Math.floor((base64.length * 3) / 4)
  return bytes >= 24 && bytes <= 64
}

/** Bytes of a stored URL. It is in an index. */
const MAX_URL = 2_000

const WebhookUrl = z
  .string()
  .max(MAX_URL)
  .refine((url) => isWebUrl(url), { abort: true, error: 'expected a URL that begins with https://' })
  .overwrite((url) => new URL(url).href)
  .refine((url) => url.length <= MAX_URL, `a URL has at most ${MAX_URL} characters`)

function isWebUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, username, password } = new URL(text)
  // Credentials would be shown with the URL.
  return /^https?:$/.test(protocol) && username === '' && password === ''
}

/** A caller's endpoint that is told of a run, or of all runs of a conversation. */
export type NewWebhook = z.infer<typeof NewWebhook>
export const NewWebhook = z.strictObject({
  url: WebhookUrl,
  /**
   * The secret with which it verifies signatures: `whsec_` and 24 to 64 bytes in base64. No answer contains
   * it.
   */
  secret: WebhookSecret,
  /** Default: all. */
  events: z.array(WebhookEvent).min(1).max(WebhookEvent.options.length).optional(),
})

/** The most webhooks of one run, or of one conversation. */
const MAX_WEBHOOKS = 5

export const NewWebhooks = z
  .array(NewWebhook)
  .max(MAX_WEBHOOKS)
  .refine((webhooks) => new Set(webhooks.map(({ url }) => url)).size === webhooks.length, {
    error: 'each URL once',
  })
