// Who a running server belongs to. Its owner says so in two ways: by settings on the server's command
// line, there from the first moment but also after the owner was killed, and by an advisory lock held
// in a session, there a moment later but gone with the owner. Together they tell a server that is
// starting from one that was left behind, also when the owner's process number was given to another.
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'

export interface Owner {
  pid: number
  /** Where it serves, as far as it does. */
  url: string
}

/** Any two numbers that nothing else in the cluster's `postgres` database uses. */
const LOCK = [0x61_67_72, 0x64_65_76] as const

export function ownerSettings(owner: Owner): string[] {
  return ['-c', `agent_runtime.owner_pid=${owner.pid}`, '-c', `agent_runtime.owner_url=${owner.url}`]
}

/** Asks a server whose it is. Rejects when it doesn't answer. */
export async function readOwner(adminUrl: string): Promise<Owner & { holdsLock: boolean }> {
  const client = new pg.Client({ connectionString: adminUrl, connectionTimeoutMillis: 2000 })
  client.on('error', () => {
    // The server may stop while it is asked; the query or the connect below rejects then.
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

/** Holds the lock until `signal` aborts, taking it again whenever its session is ended. */
export async function holdLock(adminUrl: string, signal: AbortSignal): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl, application_name: 'agent-runtime owner' })
  const lost = new Promise<void>((resolve) => client.once('end', resolve))
  client.on('error', () => {
    // Followed by 'end', which is what counts.
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
        // The server restarts after a crash of one of its processes; its end is noticed elsewhere.
        () => false,
      )
      if (again) return
    }
  })
}
