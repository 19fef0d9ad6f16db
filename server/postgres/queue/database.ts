import { createHash } from 'node:crypto'
import type { Db } from 'pg-boss'
import type { Transaction } from '../connections/transaction.ts'

/** The most statement texts that get a name. pg-boss has a few for each queue. */
const MAX_NAMED = 500

/**
 * Gives pg-boss the runtime's connections. Each statement gets a name derived from its text, so that PostgreSQL plans
 * it once per connection: planning `insert` and `fetch` costs more than running them.
 */
export function createBossDatabase(executor: Transaction): Db {
  return {
    executeSql: async (text, values = []) => {
      const name = nameOf(text)
      // A text without a name may hold several statements, and then must have no values.
      return executor.query(
        name === undefined ? { text, ...(values.length > 0 && { values }) } : { name, text, values },
      )
    },
  }
}

const names = new Map<string, string>()

function nameOf(text: string): string | undefined {
  const known = names.get(text)
  if (known !== undefined) return known
  // Maintenance is rare, and has several statements in one text, which cannot be prepared.
  if (names.size >= MAX_NAMED || !/^\s*(?:WITH|INSERT|UPDATE)\b[^;]*$/.test(text)) return undefined
  const name = `boss_${createHash('sha1').update(text).digest('hex').slice(0, 16)}`
  names.set(text, name)
  return name
}
