import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { expect, test } from 'vitest'
import { startEmbeddedPostgres } from '../../../../server/embedded-postgres/embedded-postgres.ts'
import type { EmbeddedPostgres } from '../../../../server/embedded-postgres/embedded-postgres.ts'
import { createWorkspace, isAlive } from '../../../support/cli.ts'
import type { Workspace } from '../../../support/cli.ts'

const OWNER = new URL('../../../fixtures/postgres-owner.ts', import.meta.url).pathname

const clusterIn = (folder: Workspace): string => join(folder.path, 'cluster')

async function start(dataDir: string, log: string[] = []): Promise<EmbeddedPostgres & AsyncDisposable> {
  const postgres = await startEmbeddedPostgres({
    dataDir,
    durable: false,
    log: (message) => log.push(message),
  })
  return { ...postgres, [Symbol.asyncDispose]: () => postgres.stop('immediate') }
}

async function query(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url })
  // Some of the tests stop the server.
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.query(text)).rows
  } finally {
    await client.end()
  }
}

/** A process that has started PostgreSQL in the folder, and is killed later. */
async function startOwner(dataDir: string): Promise<{ postgres: number; kill(): Promise<void> }> {
  const child = spawn(process.execPath, [OWNER, dataDir], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  return { postgres: Number(line.toString()), kill }
}

test('it listens on the loopback only, in UTF-8, with a password nobody else can read', async () => {
  await using folder = await createWorkspace()
  await using postgres = await start(clusterIn(folder))
  const [settings] = await query(
    postgres.url,
    `SELECT current_setting('listen_addresses') AS addresses, current_setting('unix_socket_directories') AS sockets,
            current_setting('server_encoding') AS encoding, current_database() AS database`,
  )
  expect(settings).toEqual({
    addresses: '127.0.0.1',
    sockets: '',
    encoding: 'UTF8',
    database: 'agent_runtime',
  })
  const { mode } = await stat(join(clusterIn(folder), 'password'))
  expect(mode & 0o777).toBe(0o600)
  const wrong = postgres.url.replace(/:[^:@]+@/, ':wrong@')
  await expect(query(wrong, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' })
})

test('durability is given up only where it was asked for', async () => {
  await using folder = await createWorkspace()
  const durability = `SELECT current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS commit`
  {
    await using lax = await start(clusterIn(folder))
    expect(await query(lax.url, durability)).toEqual([{ fsync: 'off', commit: 'on' }])
  }
  const postgres = await startEmbeddedPostgres({ dataDir: clusterIn(folder) })
  expect(await query(postgres.url, durability)).toEqual([{ fsync: 'on', commit: 'on' }])
  await postgres.stop()
})

test('of several first starts at once one wins, the others say who', async () => {
  await using folder = await createWorkspace()
  const outcomes = await Promise.allSettled([1, 2, 3].map(() => start(clusterIn(folder))))
  const [winner, ...others] = outcomes.filter((outcome) => outcome.status === 'fulfilled')
  expect(others).toEqual([])
  const reasons = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []))
  for (const reason of reasons) {
    expect(reason).toMatchObject({ name: 'EmbeddedPostgresError' })
    expect(String(reason)).toContain(`Already running in this folder (process ${process.pid}`)
  }
  await query(winner?.value.url ?? '', 'CREATE TABLE proof ()')
  await winner?.value.stop()
  expect(await readdir(folder.path)).toEqual(['cluster'])
})

test('the owner is still known after its session on the server was ended', async () => {
  await using folder = await createWorkspace()
  await using postgres = await start(clusterIn(folder))
  const admin = postgres.url.replace(/[^/]+$/, 'postgres')
  const sessions = `FROM pg_stat_activity WHERE application_name = 'agent-runtime owner'`
  await query(admin, `SELECT pg_terminate_backend(pid) ${sessions}`)
  await expect.poll(() => query(admin, `SELECT 1 AS one ${sessions}`)).toEqual([{ one: 1 }])
  await expect(start(clusterIn(folder))).rejects.toThrow(/Already running in this folder/)
  expect(await query(postgres.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
})

test('the server stops by itself when its owner is killed', async () => {
  await using folder = await createWorkspace()
  const owner = await startOwner(clusterIn(folder))
  await owner.kill()
  await expect.poll(() => isAlive(owner.postgres)).toBe(false)
})

test('a server that was left behind is stopped, and its data taken over', async () => {
  await using folder = await createWorkspace()
  const owner = await startOwner(clusterIn(folder))
  // Without the process that watches it.
  const { stdout } = await promisify(execFile)('ps', ['-eo', 'pid=,args='])
  const watcher = stdout
    .split('\n')
    .find((line) => line.endsWith(` ${owner.postgres}`) && line.includes('kill -INT'))
  process.kill(Number.parseInt(watcher ?? '', 10), 'SIGKILL')
  await owner.kill()
  expect(await isAlive(owner.postgres)).toBe(true)

  const log: string[] = []
  await using postgres = await start(clusterIn(folder), log)
  expect(log).toEqual([
    `Stopping the PostgreSQL that a killed process left running (process ${owner.postgres}) …`,
  ])
  expect(await isAlive(owner.postgres)).toBe(false)
  expect(await query(postgres.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
})

test('a lock file whose process number is somebody else’s by now does not matter', async () => {
  await using folder = await createWorkspace()
  {
    await using first = await start(clusterIn(folder))
    await query(first.url, 'CREATE TABLE proof ()')
  }
  const content = [
    process.pid,
    join(clusterIn(folder), 'data'),
    1,
    5432,
    '',
    '127.0.0.1',
    ' 1 1',
    'ready',
    '',
  ]
  await writeFile(join(clusterIn(folder), 'data/postmaster.pid'), content.join('\n'))

  await using postgres = await start(clusterIn(folder))
  expect(await query(postgres.url, `SELECT to_regclass('proof') IS NOT NULL AS kept`)).toEqual([
    { kept: true },
  ])
})

test('an interrupted first start leaves nothing, and one that was killed is started over', async () => {
  await using folder = await createWorkspace()
  const interrupt = new AbortController()
  const starting = startEmbeddedPostgres({
    dataDir: clusterIn(folder),
    durable: false,
    log: () => interrupt.abort(new Error('interrupted')),
    signal: interrupt.signal,
  })
  await expect(starting).rejects.toThrow('interrupted')
  expect(await readdir(folder.path)).toEqual([])

  // What a process leaves if it is killed while it creates the cluster. No process has this number.
  await mkdir(join(folder.path, 'cluster.new-99999999-abcd/data'), { recursive: true })
  await using postgres = await start(clusterIn(folder))
  expect(await query(postgres.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
  expect(await readdir(folder.path)).toEqual(['cluster'])
})

test('a folder without a complete database is kept aside, not deleted', async () => {
  await using folder = await createWorkspace()
  await mkdir(clusterIn(folder))
  await writeFile(join(clusterIn(folder), 'notes.txt'), 'precious')
  const log: string[] = []
  await using postgres = await start(clusterIn(folder), log)
  expect(await query(postgres.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
  const aside = (await readdir(folder.path)).find((name) => name.startsWith('cluster.incomplete-')) ?? ''
  expect(await readFile(join(folder.path, aside, 'notes.txt'), 'utf8')).toBe('precious')
  expect(log[0]).toContain(aside)
})

test('data of another major version is refused with both versions', async () => {
  await using folder = await createWorkspace()
  await (await start(clusterIn(folder)))[Symbol.asyncDispose]()
  await writeFile(join(clusterIn(folder), 'data/PG_VERSION'), '12\n')
  await expect(start(clusterIn(folder))).rejects.toThrow(
    /was written by PostgreSQL 12, but version \d+ is installed: install embedded-postgres@12, or move the folder away/,
  )
})

test('when it can’t start, its own reason is told', async () => {
  await using folder = await createWorkspace()
  await (await start(clusterIn(folder)))[Symbol.asyncDispose]()
  await rm(join(clusterIn(folder), 'data/global/pg_control'))
  await expect(start(clusterIn(folder))).rejects.toThrow(/PostgreSQL did not start: .*\(see .*\/log\)/)
})
