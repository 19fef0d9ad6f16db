// Tells who owns a running server. The owner shows this in two ways. Settings on the server's command line
// are there from the first moment, but stay after the owner was killed. An advisory lock in a session is
// there a moment later, but is gone with the owner. Together they tell a server that is starting from one
// that was left behind, even if another process got the owner's process number.
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'

export interface Owner {
  pid: number
  /** The address that it serves, if it does. */
  url: string
}

/** Two arbitrary numbers that nothing else in the cluster's `postgres` database uses. */
const LOCK = [0x61_67_72, 0x64_65_76] as const

export function ownerSettings(owner: Owner): string[] {
  return ['-c', `agent_runtime.owner_pid=${owner.pid}`, '-c', `agent_runtime.owner_url=${owner.url}`]
}

/** Asks a server who owns it. Rejects if the server does not answer. */
export async function readOwner(adminUrl: string): Promise<Owner & { holdsLock: boolean }> {
  const client = new pg.Client({ connectionString: adminUrl, connectionTimeoutMillis: 2000 })
  client.on('error', () => {
    // The server may stop meanwhile; then the query or the connect below rejects.
  })
  try {
    await client.connect()
    const { rows } = await client.query<{ pid: string | null; url: string | null; held: boolean }>(
      `SELECT current_setting('agent_runtime.owner_pid', true) AS pid,
              current_setting('agent_runtime.owner_url', true) AS url,
              EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted
                      AND classid = $1 AND objid = $2) AS held`,
      [...LOCK],
    )
    const [row] = rows
    return { pid: Number(row?.pid ?? 0), url: row?.url ?? '', holdsLock: row?.held ?? false }
  } finally {
    await client.end()
  }
}

const RELOCK_AFTER_MS = 500

/** Holds the lock until `signal` aborts, and takes it again whenever its session ends. */
export async function holdLock(adminUrl: string, signal: AbortSignal): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl, application_name: 'agent-runtime owner' })
  const lost = new Promise<void>((resolve) => client.once('end', resolve))
  client.on('error', () => {
    // An 'end' follows, which is handled.
  })
  await client.connect()
  await client.query('SELECT pg_advisory_lock($1, $2)', [...LOCK])
  const release = (): void => void client.end()
  signal.addEventListener('abort', release)
  if (signal.aborted) release()
  void lost.then(async () => {
    signal.removeEventListener('abort', release)
    while (!signal.aborted) {
      await sleep(RELOCK_AFTER_MS, undefined, { ref: false })
      const again = await holdLock(adminUrl, signal).then(
        () => true,
        // The server restarts after a crash of one of its processes. Other code notices when it ends.
        () => false,
      )
      if (again) return
    }
  })
}
