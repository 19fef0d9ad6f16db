import { randomUUID } from 'node:crypto'
import { describe } from 'vitest'
import { testQueue } from './conformance.ts'

describe('in PostgreSQL', () => {
  testQueue(async () => ({
    config: { queueBackend: 'postgres' },
    putForeign: async (agentKey, payload, { sql }) =>
      void (await sql(
        `INSERT INTO agent_runtime_queue.job (id, name, data, priority) VALUES ($1, $2, $3, 50)`,
        [randomUUID(), agentKey, JSON.stringify(payload)],
      )),
    [Symbol.asyncDispose]: async () => {},
  }))
})
