// Processes that stop in the middle of a transaction and never continue.
import { expect, vi } from 'vitest'
import { defineAgent } from '../../../server/index.ts'
import { createWorkspace, entry, runCli } from '../../support/cli.ts'
import { test } from '../../support/runtime.ts'

vi.setConfig({ testTimeout: 120_000 })

/** The time after which PostgreSQL ends a frozen process' session, and time for others to continue. */
const WITHIN_MS = 8_000

const steady = defineAgent({ key: 'steady', run: async () => ({ output: 'done' }) })

interface Database {
  url: string
  sql<T extends object>(text: string, values?: unknown[]): Promise<T[]>
  connect(): Promise<{ query(text: string, values?: unknown[]): Promise<unknown> }>
}

/** Serves the database, and stops while it has the locks of `hold` and waits for `ask`. */
async function freezeServer(
  database: Database,
  hold: { text: string; values: unknown[] },
  ask: (url: string) => Promise<unknown>,
): Promise<AsyncDisposable> {
  await using starting = new AsyncDisposableStack()
  const folder = starting.use(await createWorkspace())
  const server = starting.use(
    runCli(['serve', entry('working'), '--port', '0', '--insecure'], {
      cwd: folder.path,
      env: { DATABASE_URL: database.url },
    }),
  )
  const [, url = ''] = await server.printed(/Listening on (\S+)/)
  const holder = await database.connect()
  await holder.query('BEGIN')
  await holder.query(hold.text, hold.values)
  ask(url).catch(() => {})
  const waiting = `SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock' AND application_name = 'agent-runtime'`
  await expect.poll(() => database.sql(waiting)).not.toEqual([])
  server.kill('SIGSTOP')
  await holder.query('ROLLBACK')
  const idle = `SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND state = 'idle in transaction' AND application_name = 'agent-runtime'`
  await expect.poll(() => database.sql(idle)).not.toEqual([])
  return starting.move()
}

const post = (url: string, path: string, body: object = {}): Promise<Response> =>
  fetch(`${url}/api/agents/${path}/`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })

test('an API frozen while it holds a run does not keep its worker from it, nor its worker’s other runs', async ({
  createServer,
  database,
}) => {
  const gate = Promise.withResolvers<void>()
  const agent = defineAgent({
    key: 'steady',
    async run(ctx) {
      await ctx.emitMessage('begun')
      await gate.promise
      await ctx.emitMessage('over')
    },
  })
  const { rest } = await createServer({ agents: [agent] })
  const [held, other] = [await rest.create('steady'), await rest.create('steady')]
  for (const id of [held, other]) {
    await (await rest.stream(`runs/${id}/events`)).until('assistant.message')
  }
  await using _ = await freezeServer(
    database,
    { text: `SELECT FROM agent_runtime.run WHERE id = $1 FOR UPDATE`, values: [held] },
    (url) => post(url, `runs/${held}/cancel`),
  )
  const frozenAt = performance.now()
  gate.resolve()
  await Promise.all([held, other].map((id) => rest.events(`runs/${id}/events`)))
  expect(performance.now() - frozenAt).toBeLessThan(WITHIN_MS)
  expect((await rest.get(`runs/${held}`)).body['status']).toBe('succeeded')
})

test('an API frozen while it creates a run in a conversation does not keep others from it', async ({
  createServer,
  database,
}) => {
  const { rest } = await createServer({ agents: [steady] })
  const { body } = await rest.post('conversations', {})
  const conversation = String(body['id'])
  await using _ = await freezeServer(
    database,
    { text: `SELECT FROM agent_runtime.conversation WHERE id = $1 FOR UPDATE`, values: [conversation] },
    (url) => post(url, 'runs', { agent_key: 'steady', messages: [], conversation_id: conversation }),
  )
  const frozenAt = performance.now()
  const ids = await Promise.all([
    rest.create('steady', { conversation_id: conversation }),
    rest.create('steady'),
  ])
  for (const id of ids) await rest.events(`runs/${id}/events`)
  expect(performance.now() - frozenAt).toBeLessThan(WITHIN_MS)
})

test('the runs of a worker that is frozen while it holds them go on elsewhere', async ({
  createServer,
  database,
}) => {
  const { rest } = await createServer({ agents: [steady], worker: false })
  await using folder = await createWorkspace()
  await using worker = runCli(['worker', entry('working'), '--agent-keys', 'steady'], {
    cwd: folder.path,
    env: { DATABASE_URL: database.url },
  })
  await worker.printed(/Working on/)
  // The claim takes the delivery, then waits for the row.
  const holder = await database.connect()
  await holder.query('BEGIN')
  await holder.query('LOCK TABLE agent_runtime.event IN EXCLUSIVE MODE')
  const id = await rest.create('steady')
  const waiting = `SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock' AND application_name = 'agent-runtime'`
  await expect.poll(() => database.sql(waiting)).not.toEqual([])
  worker.kill('SIGSTOP')
  await holder.query('ROLLBACK')
  const frozenAt = performance.now()
  const other = await createServer({ agents: [steady], config: { queuePollIntervalSeconds: 0.2 } })
  await other.rest.events(`runs/${id}/events`)
  expect(performance.now() - frozenAt).toBeLessThan(WITHIN_MS)
})
