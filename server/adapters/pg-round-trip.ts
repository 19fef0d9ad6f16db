import { randomUUID } from 'node:crypto'
import pg from 'pg'

const PATIENCE_MS = 3_000

/**
 * Whether a notification arrives that is sent over another connection of the same URL. It does not through a
 * pooler that hands each transaction another connection: what listens there is nobody's.
 */
export async function notificationsArrive(databaseUrl: string): Promise<boolean> {
  const channel = `agent_runtime_doctor_${randomUUID().replaceAll('-', '')}`
  const [listener, sender] = [connect(databaseUrl), connect(databaseUrl)]
  const arrived = Promise.withResolvers<boolean>()
  listener.on('notification', (notification) => {
    if (notification.channel === channel) arrived.resolve(true)
  })
  const timeUp = setTimeout(() => arrived.resolve(false), PATIENCE_MS)
  try {
    await Promise.all([listener.connect(), sender.connect()])
    await listener.query(`LISTEN ${channel}`)
    await sender.query('SELECT pg_notify($1, $2)', [channel, ''])
    return await arrived.promise
  } finally {
    clearTimeout(timeUp)
    await Promise.allSettled([listener.end(), sender.end()])
  }
}

function connect(databaseUrl: string): pg.Client {
  const client = new pg.Client({
    connectionString: databaseUrl,
    application_name: 'agent-runtime doctor',
    connectionTimeoutMillis: 10_000,
  })
  // What breaks shows in the statement under way; unheard, the event would end the process.
  client.on('error', () => {})
  return client
}
