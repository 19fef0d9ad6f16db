import type pg from 'pg'
import type { WebhookStore } from '../../ports/store/webhook-store.ts'
import { execute, inTransaction } from '../connections/transaction.ts'
import { isLockTimeout } from './patience.ts'

const FORGET = {
  name: 'webhook_forget',
  text: `DELETE FROM agent_runtime.webhook_endpoint WHERE name <> ALL ($1::text[])`,
}

const PUBLISH = {
  name: 'webhook_publish',
  text: `
    INSERT INTO agent_runtime.webhook_endpoint (name, agent_keys, is_bound)
    SELECT name, ARRAY (SELECT jsonb_array_elements_text(CASE keys WHEN 'null' THEN '[]' ELSE keys END)), keys <> 'null'
    FROM unnest($1::text[], $2::jsonb[]) AS e (name, keys)
    ORDER BY name
    ON CONFLICT (name) DO UPDATE SET agent_keys = excluded.agent_keys, is_bound = excluded.is_bound`,
}

// The first endpoint enables a trigger. This needs a moment without writes to runs, and makes later writes wait. So it
// gives up after a second and tries again.
const MAX_TRIES = 30
const HAVE_PATIENCE = { name: 'webhook_patience', text: `SELECT set_config('lock_timeout', '1000', true)` }

export async function publishWebhooks(
  pool: pg.Pool,
  endpoints: Parameters<WebhookStore['publishWebhooks']>[0],
): Promise<void> {
  const names = endpoints.map(({ name }) => name)
  const keys = endpoints.map(({ agentKeys }) => JSON.stringify(agentKeys ?? null))
  await givingWay(pool, async (client) => {
    await execute(client, FORGET, [names])
    if (names.length > 0) await execute(client, PUBLISH, [names, keys])
  })
}

async function givingWay(pool: pg.Pool, work: (client: pg.PoolClient) => Promise<unknown>): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await inTransaction(pool, async (client) => {
        await execute(client, HAVE_PATIENCE, [])
        await work(client)
      })
      return
    } catch (error) {
      if (!isLockTimeout(error) || tries === MAX_TRIES) throw error
    }
  }
}

const IS_OFF = {
  name: 'webhook_is_off',
  text: `
    SELECT FROM pg_trigger
    WHERE tgrelid = 'agent_runtime.run'::regclass AND tgname = 'note_webhooks' AND tgenabled = 'D'`,
}

const ENABLE = { name: 'webhook_enable', text: `SELECT agent_runtime.enable_webhooks()` }

export async function enableWebhooks(pool: pg.Pool): Promise<void> {
  if ((await execute(pool, IS_OFF, [])).length === 0) return
  await givingWay(pool, (client) => execute(client, ENABLE, []))
}
