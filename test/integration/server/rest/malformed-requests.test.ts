// Some hundred requests with one mistake each. `MALFORMED_REQUESTS=10000` sends as many, and
// `MALFORMED_SEED=7` others.
import { expect } from 'vitest'
import { z } from 'zod'
import { defineAgent } from '../../../../server/index.ts'
import { createMalformedRequests } from '../../../support/malformed-requests.ts'
import type { ApiDocument, MalformedRequest } from '../../../support/malformed-requests.ts'
import { test } from '../../../support/runtime.ts'

const TOTAL = Number(process.env['MALFORMED_REQUESTS'] ?? 600)
const SEED = Number(process.env['MALFORMED_SEED'] ?? 1)
const AT_ONCE = 10

const echo = defineAgent({
  key: 'echo',
  params: z.object({ depth: z.number().optional() }),
  run: async () => {},
})

/** What each accepted request adds one of. Any other accepted request may have created one of anything. */
const COUNTED: Record<string, string> = {
  'POST /runs/': 'run',
  'POST /schedules/{id}/run/': 'run',
  'POST /conversations/': 'conversation',
  'POST /conversations/{id}/fork/': 'conversation',
  'POST /schedules/': 'schedule',
  'POST /files/': 'file',
}

test(
  'are answered with what is wrong, and write nothing',
  { timeout: 60_000 + TOTAL * 100 },
  async ({ createServer, database }) => {
    const { rest, log } = await createServer({
      agents: [echo],
      worker: false,
      config: { schedulesPerPrincipal: 100_000, refusalsPerSecond: false },
    })
    const conversation = await rest.post('conversations', {})
    const run = await rest.create('echo', { conversation_id: conversation.body['id'] })
    const document = (await rest.get('openapi.json')).body as unknown as ApiDocument
    const schedule = await rest.post('schedules', { agent_key: 'echo', every_seconds: 86_400 })
    const known = [run, ...[conversation, schedule].map(({ body }) => String(body['id']))]
    const next = createMalformedRequests(document, { seed: SEED, known })
    const created: Record<string, number> = { run: 1, conversation: 1, schedule: 1, file: 0 }
    const refused: number[] = []
    let takenOtherwise = 0

    async function ask({ operation, path, ...request }: MalformedRequest): Promise<void> {
      const { body, ...init } = request
      const answer = await rest.send(path, { ...init, ...(body !== undefined && { body }) })
      const what = [operation, path.slice(0, 200), body?.slice(0, 500)]
      const isStream = answer.headers.get('content-type')?.startsWith('text/event-stream')
      // Streams of open runs have no end.
      const text = isStream ? await answer.body?.cancel() : await answer.text()
      expect([...what, answer.status < 500]).toEqual([...what, true])
      if (answer.status >= 400) {
        refused.push(answer.status)
        expect([...what, JSON.parse(text ?? '')]).toEqual([
          ...what,
          expect.objectContaining({
            error: expect.any(String) as string,
            code: expect.any(String) as string,
          }),
        ])
      }
      const table = answer.status === 201 ? COUNTED[operation] : undefined
      if (table !== undefined) created[table] = (created[table] ?? 0) + 1
      else if (request.method !== 'GET' && answer.status < 300) takenOtherwise += 1
    }

    for (let asked = 0; asked < TOTAL; asked += AT_ONCE) {
      await Promise.all(Array.from({ length: AT_ONCE }, () => ask(next())))
    }
    // A fork copies a run, too.
    const rows = await database.sql<Record<string, number>>(
      `SELECT (SELECT count(*)::int FROM agent_runtime.run WHERE status <> 'succeeded') AS run,
         (SELECT count(*)::int FROM agent_runtime.conversation) AS conversation,
         (SELECT count(*)::int FROM agent_runtime.schedule) AS schedule,
         (SELECT count(*)::int FROM agent_runtime.file) AS file`,
    )
    for (const [table, count = 0] of Object.entries(rows[0] ?? {})) {
      const least = created[table] ?? 0
      expect([table, count]).toEqual([table, Math.min(Math.max(count, least), least + takenOtherwise)])
    }
    expect(refused.length).toBeGreaterThan(TOTAL / 3)
    expect(log.filter(({ level }) => level === 'error')).toEqual([])
  },
)
