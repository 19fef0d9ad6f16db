// Writes the migration from the committed schema to the one on disk, for review before it is committed:
//   npm run migration -- <name>
// The two files are compared, not a database: Prisma's WASM engine can't read ours back, since it has
// partitions and partial indexes that were written by hand.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startEmbeddedPostgres } from '../server/embedded-postgres/embedded-postgres.ts'
import { createPostgresPool } from '../server/postgres/connections/pool.ts'
import { withSchemaEngine } from '../server/postgres/migrations/schema-engine.ts'
import { sessionSettings } from '../server/postgres/connections/session-settings.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const SCHEMA = 'prisma/schema.prisma'
const MIGRATIONS = 'prisma/migrations'

function git(...args: string[]): string {
  return execFileSync('git', args, { cwd: ROOT, encoding: 'utf8' })
}

function fail(message: string): never {
  process.stderr.write(`${message}\n`)
  process.exit(1)
}

async function diff(from: string, to: string): Promise<string> {
  const target = (content: string) => ({
    tag: 'schemaDatamodel' as const,
    files: [{ path: SCHEMA, content }],
  })
  // Though it compares files, the engine is made for a server, and asks that for its version.
  const dataDir = join(tmpdir(), `create-migration-${process.pid}`)
  const postgres = await startEmbeddedPostgres({ dataDir, durable: false })
  // Connected to the schema of the tables, it would leave that out of their names.
  const schema = 'public'
  const pool = createPostgresPool({
    databaseUrl: postgres.url,
    settings: sessionSettings({}, schema),
    size: 1,
    connectTimeoutMs: 10_000,
    preparedStatements: false,
    log: console,
  })
  try {
    return await withSchemaEngine({ pool, schema }, async (engine) => {
      const { stdout } = await engine.diff({
        from: target(from),
        to: target(to),
        script: true,
        exitCode: null,
        filters: { externalTables: [], externalEnums: [] },
      })
      return stdout ?? ''
    })
  } finally {
    await pool.end()
    await postgres.stop('immediate')
    rmSync(dataDir, { recursive: true, force: true })
  }
}

const name = process.argv[2]
if (name === undefined || !/^[a-z0-9_]+$/.test(name)) {
  fail('Give the migration a name of lower-case letters, digits and "_": npm run migration -- add_priority')
}
const pending = git('status', '--porcelain', '--', MIGRATIONS).trim()
if (pending !== '') {
  // It holds changes since the committed schema already; they would come twice.
  fail(`Commit or remove the migration that is being worked on first:\n${pending}`)
}
const sql = await diff(git('show', `HEAD:${SCHEMA}`), readFileSync(`${ROOT}${SCHEMA}`, 'utf8'))
if (sql.trim() === '' || sql.includes('This is an empty migration')) {
  fail(`${SCHEMA} is as it was committed: there is nothing to migrate.`)
}
const timestamp = new Date().toISOString().replaceAll(/\D/g, '').slice(0, 14)
const folder = `${MIGRATIONS}/${timestamp}_${name}`
mkdirSync(`${ROOT}${folder}`)
writeFileSync(`${ROOT}${folder}/migration.sql`, sql)
process.stdout.write(`Wrote ${folder}/migration.sql. Read it before you commit it.\n`)
