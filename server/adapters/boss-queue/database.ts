import { createHash } from 'node:crypto'
import type { Db } from 'pg-boss'
import type pg from 'pg'

/** Distinct statement texts that get a name; pg-boss has a few per queue. */
const MAX_NAMED = 500

/**
 * pg-boss' view of our pool. Each of its statements is given a name derived from its text, so that
 * PostgreSQL plans it once a connection: planning `send` and `fetch` costs more than running them.
 */
export function createBossDatabase(executor: Pick<pg.Pool | pg.PoolClient, 'query'>): Db {
  return {
    executeSql: async (text, values) => {
      // Statements without parameters are rare maintenance, at times several in one text, which can't be prepared.
      if (values === undefined || values.length === 0) return executor.query(text)
      const name = nameOf(text)
      return executor.query(name === undefined ? { text, values } : { name, text, values })
    },
  }
}

const names = new Map<string, string>()

function nameOf(text: string): string | undefined {
  const known = names.get(text)
  if (known !== undefined || names.size >= MAX_NAMED) return known
  const name = `boss_${createHash('sha1').update(text).digest('hex').slice(0, 16)}`
  names.set(text, name)
  return name
}
