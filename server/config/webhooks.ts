import { z } from 'zod'
import type { WebhookEndpoint } from '../ports/webhooks.ts'
import { ConfigError } from './config.ts'

const Secret = z
  .string()
  .refine((text) => isSecret(text), 'a secret is "whsec_" and 24 to 64 bytes in base64')

function isSecret(text: string): boolean {
  const [, base64] = /^whsec_([\w+/]+={0,2})$/.exec(text) ?? []
  const bytes = base64 === undefined ? 0 : Buffer.from(base64, 'base64').length
  return bytes >= 24 && bytes <= 64
}

const Endpoint = z.strictObject({
  name: z.string().min(1).max(200),
  url: z
    .string()
    .refine((url) => /^https?:$/.test(URL.parse(url)?.protocol ?? ''), 'a URL begins with https://'),
  secrets: z.union([z.tuple([Secret]), z.tuple([Secret, Secret])], 'one secret, or two'),
  agentKeys: z.array(z.string()).optional(),
  allowPrivate: z.boolean().optional(),
})

/** @throws ConfigError when an endpoint is none, or two have one name. Of secrets nothing is told. */
export function checkWebhooks(endpoints: readonly WebhookEndpoint[]): void {
  const { error } = z.array(Endpoint).safeParse(endpoints)
  const [issue] = error?.issues ?? []
  if (issue !== undefined) throw new ConfigError(`webhooks.${issue.path.join('.')}: ${issue.message}`)
  const names = endpoints.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw new ConfigError(`webhooks: two endpoints are called "${twice}".`)
}
