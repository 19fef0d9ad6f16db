import { randomUUID } from 'node:crypto'
import type pg from 'pg'
import { toStartupError } from './database-error.ts'
import { connectClient } from './client.ts'
import { sessionSettings } from './session-settings.ts'

const PATIENCE_MS = 3_000

/** The URLs over which processes listen and send. */
interface Route {
  databaseUrl: string
  /** Default: `databaseUrl`. */
  directUrl?: string | undefined
}

/**
 * Whether a notification arrives, when sent in the way that processes send theirs. Through a pooler in transaction mode
 * it does not: there a LISTEN belongs to no client.
 *
 * @throws StartupError when `directUrl` cannot be reached
 */
export async function notificationsArrive({ databaseUrl, directUrl }: Route): Promise<boolean> {
  const channel = `agent_runtime_doctor_${randomUUID().replaceAll('-', '')}`
  const arrived = Promise.withResolvers<boolean>()
  let timeUp: NodeJS.Timeout | undefined
  const clients: pg.Client[] = []
  try {
    const listener = await connect(directUrl ?? databaseUrl).catch((error: unknown) => {
      throw directUrl === undefined ? error : toStartupError(error, directUrl, 'DIRECT_URL')
    })
    clients.push(listener)
    const sender = await connect(databaseUrl)
    clients.push(sender)
    listener.on('notification', (notification) => {
      if (notification.channel === channel) arrived.resolve(true)
    })
    await listener.query(`LISTEN ${channel}`)
    await sender.query('SELECT pg_notify($1, $2)', [channel, ''])
    timeUp = setTimeout(() => arrived.resolve(false), PATIENCE_MS)
    return await arrived.promise
  } finally {
    clearTimeout(timeUp)
    await Promise.allSettled(clients.map((client) => client.end()))
  }
}

async function connect(connectionString: string): Promise<pg.Client> {
  const { client } = await connectClient(
    {
      connectionString,
      application_name: 'agent-runtime doctor',
      connectionTimeoutMillis: 10_000,
      plan: { settings: sessionSettings() },
    },
    // An error of the connection shows in the statement under way.
    () => {},
  )
  return client
}
