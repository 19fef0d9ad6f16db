import type pg from 'pg'
import type { SigningKey } from '../../ports/store/key-store.ts'
import { execute } from '../connections/transaction.ts'

const READ = {
  name: 'read_signing_key',
  text: `SELECT id, secret FROM agent_runtime.signing_key WHERE purpose = $1`,
}

// If two processes find no key at once, the second waits for the first's insert, and then reads that key.
const MAKE = {
  text: `INSERT INTO agent_runtime.signing_key (purpose, secret) VALUES ($1, $2) ON CONFLICT DO NOTHING`,
}

/** Reads the key anew each time, so that no process uses a deleted key. */
export async function readSigningKey(pool: pg.Pool, purpose: string, fresh: Buffer): Promise<SigningKey> {
  for (;;) {
    const [key] = await execute<SigningKey & pg.QueryResultRow>(pool, READ, [purpose])
    if (key !== undefined) return key
    await execute(pool, MAKE, [purpose, fresh])
  }
}
