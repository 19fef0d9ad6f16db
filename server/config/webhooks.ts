import { z } from 'zod'
import { WebhookSecret } from '../contract/webhook.ts'
import type { WebhookEndpoint } from '../ports/webhooks.ts'
import type { Config } from './config.ts'
import { ConfigError } from './config-error.ts'

const Endpoint = z.strictObject({
  name: z.string().min(1).max(200),
  url: z
    .string()
    .refine((url) => /^https?:$/.test(URL.parse(url)?.protocol ?? ''), 'a URL begins with https://'),
  secrets: z.union([z.tuple([WebhookSecret]), z.tuple([WebhookSecret, WebhookSecret])], 'one secret, or two'),
  agentKeys: z.array(z.string()).optional(),
  allowPrivate: z.boolean().optional(),
})

/**
 * @throws ConfigError when an endpoint is invalid, or two have the same name. The message never contains
 * secrets.
 */
export function checkWebhooks(endpoints: readonly WebhookEndpoint[]): void {
  const { error } = z.array(Endpoint).safeParse(endpoints)
  const [issue] = error?.issues ?? []
  if (issue !== undefined) throw new ConfigError(`webhooks.${issue.path.join('.')}: ${issue.message}`)
  const names = endpoints.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw new ConfigError(`webhooks: two endpoints are called "${twice}".`)
}

/** @throws ConfigError when callers could send requests to any address of the own network. */
export function checkWebhookHosts({ webhookHosts, webhookAllowPrivate }: Config): void {
  if (!webhookAllowPrivate || !webhookHosts.includes('*')) return
  throw new ConfigError(
    'webhookAllowPrivate (WEBHOOK_ALLOW_PRIVATE): name the hosts in webhookHosts (WEBHOOK_HOSTS), in place of "*".',
  )
}
