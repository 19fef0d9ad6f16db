import type pg from 'pg'
import type { SigningKey } from '../../ports/store/key-store.ts'
import { execute } from '../connections/transaction.ts'

const READ = {
  name: 'read_signing_key',
  text: `SELECT id, secret FROM agent_runtime.signing_key WHERE purpose = $1`,
}

// Two that find none at the same moment: the second waits for the first, and reads what that one made.
const MAKE = {
  text: `INSERT INTO agent_runtime.signing_key (purpose, secret) VALUES ($1, $2) ON CONFLICT DO NOTHING`,
}

/** Read anew each time: a key that was deleted is not used again by any process. */
export async function readSigningKey(pool: pg.Pool, purpose: string, fresh: Buffer): Promise<SigningKey> {
  for (;;) {
    const [key] = await execute<SigningKey & pg.QueryResultRow>(pool, READ, [purpose])
    if (key !== undefined) return key
    await execute(pool, MAKE, [purpose, fresh])
  }
}
