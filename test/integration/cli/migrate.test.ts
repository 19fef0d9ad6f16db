import { readFile } from 'node:fs/promises'
import pg from 'pg'
import { describe, expect, inject, test } from 'vitest'
import { createAgentRuntime, defineAgent, migrateDatabase } from '../../../server/index.ts'
import type { WebhookEndpoint } from '../../../server/index.ts'
import { createWorkspace, runCli } from '../../support/cli.ts'
import { createTestDatabase } from '../../support/database.ts'
import { startPgBouncer, withoutPgBouncer } from '../../support/pgbouncer.ts'
import { createRestClient } from '../../support/rest-client.ts'
import { createSilentLogger } from '../../support/silent-logger.ts'

const NOBODY = 'postgresql://user:secret@127.0.0.1:1/app'
const UP_TO_DATE = 'The database is up to date.\n'

async function run(args: string[], env: Record<string, string>) {
  await using folder = await createWorkspace()
  await using command = runCli(args, { cwd: folder.path, env })
  const code = await command.exited
  return { code, said: command.stdout() + command.stderr() }
}

const emptyDatabase = () => createTestDatabase({ ...inject('postgres'), template: 'template0' })

async function connect(url: string) {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() })
}

test('who waits for another migrate says for whom, and goes on after it', async () => {
  await using database = await createTestDatabase()
  await using other = await connect(database.url)
  // Earlier versions did this. One may be running, or have left its lock with a pooler's connection.
  const { rows } = await other.query(`SELECT pg_advisory_lock(1634169460), pg_backend_pid() AS pid`)
  await using folder = await createWorkspace()
  await using migrate = runCli(['migrate'], { cwd: folder.path, env: { DATABASE_URL: database.url } })
  const [said] = await migrate.printed(/Waiting for another migrate.*\n/)
  expect(said).toContain(`pg_terminate_backend(${rows[0].pid})`)
  await other.query('SELECT pg_advisory_unlock_all()')
  expect(await migrate.exited).toBe(0)
  expect(migrate.stdout()).toBe(UP_TO_DATE)
})

describe.skipIf(withoutPgBouncer)('behind a transaction pooler', () => {
  test('migrate leaves no lock behind', async () => {
    await using database = await emptyDatabase()
    await using pooler = await startPgBouncer(database.url)
    const env = { DATABASE_URL: pooler.url }
    expect(await run(['migrate'], env)).toMatchObject({ code: 0, said: expect.stringContaining('initial') })
    await using client = await connect(database.url)
    const { rows } = await client.query(
      `SELECT l.* FROM pg_locks l JOIN pg_database d ON d.oid = l.database
       WHERE l.locktype = 'advisory' AND d.datname = current_database()`,
    )
    expect(rows).toEqual([])
    expect(await run(['migrate'], env)).toEqual({ code: 0, said: UP_TO_DATE })
  })

  test('doctor listens where processes do', async () => {
    await using database = await createTestDatabase()
    await using pooler = await startPgBouncer(database.url)
    const env = { DATABASE_URL: pooler.url }
    expect((await run(['doctor'], env)).said).toMatch(/✗ A notification[^]*→ Set DIRECT_URL/)
    const direct = await run(['doctor'], { ...env, DIRECT_URL: database.url })
    expect(direct).toMatchObject({ code: 0, said: expect.stringContaining('✓ Notifications arrive.') })
    const wrong = await run(['doctor'], { ...env, DIRECT_URL: NOBODY })
    expect(wrong.said).toContain('correct DIRECT_URL')
  })
})

test('migrate goes to PostgreSQL itself where DIRECT_URL says where that is', async () => {
  await using database = await createTestDatabase()
  const env = { DATABASE_URL: NOBODY, DIRECT_URL: database.url }
  expect(await run(['migrate'], env)).toEqual({ code: 0, said: UP_TO_DATE })
  expect((await run(['migrate'], { ...env, DIRECT_URL: NOBODY })).said).toContain('correct DIRECT_URL')
})

/** A role that owns the database and may create roles, but is no superuser. */
async function connectAsOwner(superuser: pg.Client, databaseUrl: string) {
  const url = new URL(databaseUrl)
  const name = url.pathname.slice(1)
  url.username = `owner_${name}`
  url.password = 'secret'
  await superuser.query(`CREATE ROLE ${url.username} LOGIN CREATEROLE PASSWORD 'secret';
    ALTER DATABASE ${name} OWNER TO ${url.username}`)
  return connect(url.href)
}

test('each command does with the rights its documentation asks for', async () => {
  await using database = await emptyDatabase()
  await using superuser = await connect(database.url)
  await using owner = await connectAsOwner(superuser, database.url)
  const operations = await readFile(new URL('../../../docs/operations.md', import.meta.url), 'utf8')
  const [, documented = ''] = /## Roles[^]*?```sql\n([^]*?)```/.exec(operations) ?? []
  const suffix = new URL(database.url).pathname.slice(1)
  const roles = ['agent_migrate', 'agent_run', 'agent_doctor']
  await owner.query(documented.replaceAll(/agent_(?:migrate|run|doctor)\b/g, `$&_${suffix}`))
  const urlOf = async (role: string) => {
    await owner.query(`ALTER ROLE ${role}_${suffix} PASSWORD 'secret'`)
    const url = new URL(database.url)
    url.username = `${role}_${suffix}`
    url.password = 'secret'
    return url.href
  }
  try {
    const migrated = await migrateDatabase(await urlOf('agent_migrate'))
    expect(migrated).toEqual([expect.stringContaining('initial'), ...migrated.slice(1)])
    expect(await migrateDatabase(await urlOf('agent_migrate'))).toEqual([])

    const agent = defineAgent({ key: 'agent', run: async () => ({ output: 'done' }) })
    const config = { databaseUrl: await urlOf('agent_run'), retentionDays: 1 }
    const logger = createSilentLogger()
    const never = defineAgent({ key: 'never', run: async () => ({}) })
    const webhooks: WebhookEndpoint[] = [
      {
        name: 'hooks',
        url: 'https://hooks.example',
        secrets: [`whsec_${'YWFh'.repeat(11)}`],
        agentKeys: ['never'],
      },
    ]
    const runtime = createAgentRuntime({ agents: [agent, never], config, webhooks, logger })
    await runtime.startWorker()
    const rest = createRestClient(runtime.handler)
    const { body } = await rest.post('conversations', {})
    const ids = [await rest.create('agent'), await rest.create('agent', { conversation_id: body['id'] })]
    for (const id of ids) await rest.events(`runs/${id}/events`)
    for (const id of ids)
      expect((await rest.get(`runs/${id}`)).body).toMatchObject({ output: { final_output: 'done' } })

    expect((await run(['doctor'], { DATABASE_URL: await urlOf('agent_doctor') })).said).toContain(
      'All is well.',
    )
    const fixed = await run(['doctor', '--fix'], { DATABASE_URL: config.databaseUrl })
    expect(fixed.said).toContain('All is well.')
    await runtime.stop()
    expect(logger.entries.filter(({ level }) => level === 'warn' || level === 'error')).toEqual([])
  } finally {
    await superuser.query(`REASSIGN OWNED BY owner_${suffix} TO CURRENT_USER`)
    for (const role of [...roles, 'owner'])
      await superuser.query(`DROP OWNED BY ${role}_${suffix} CASCADE; DROP ROLE ${role}_${suffix}`)
  }
})
