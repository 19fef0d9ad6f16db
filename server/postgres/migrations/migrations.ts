import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { MigrationList } from '@prisma/schema-engine-wasm'
import type pg from 'pg'
import { withSchemaEngine } from './schema-engine.ts'

export const DATABASE_SCHEMA = 'agent_runtime'

// The package's root is three folders up from the sources, and four from dist/.
const PRISMA_FOLDERS = ['../../../prisma/', '../../../../prisma/']

async function readPrismaFile(name: string): Promise<{ path: string; content: string }> {
  for (const folder of PRISMA_FOLDERS) {
    const url = new URL(folder + name, import.meta.url)
    const content = await readFile(url, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined
      throw error
    })
    if (content !== undefined) return { path: fileURLToPath(url), content }
  }
  throw new Error(`prisma/${name} is missing from the installed package; install it again.`)
}

/** This version's migrations, in the schema engine's format. */
async function readMigrations(): Promise<MigrationList> {
  const lockfile = await readPrismaFile('migrations/migration_lock.toml')
  const baseDir = lockfile.path.slice(0, -'/migration_lock.toml'.length)
  const entries = await readdir(baseDir, { withFileTypes: true })
  const names = entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .toSorted()
  return {
    baseDir,
    lockfile: { path: 'migration_lock.toml', content: lockfile.content },
    shadowDbInitScript: '',
    migrationDirectories: await Promise.all(
      names.map(async (name) => ({
        path: name,
        migrationFile: {
          path: 'migration.sql',
          content: { tag: 'ok' as const, value: await readFile(`${baseDir}/${name}/migration.sql`, 'utf8') },
        },
      })),
    ),
  }
}

/** The migrations of this version that the database lacks, and its migrations that this version does not know. */
export async function compareMigrations(pool: pg.Pool): Promise<{ pending: string[]; unknown: string[] }> {
  const { migrationDirectories } = await readMigrations()
  const names = migrationDirectories.map(({ path }) => path)
  const { rows: tables } = await pool.query<{ exists: boolean }>(
    `SELECT to_regclass('${DATABASE_SCHEMA}._prisma_migrations') IS NOT NULL AS exists`,
  )
  if (tables[0]?.exists !== true) return { pending: names, unknown: [] }
  const { rows } = await pool.query<{ name: string }>(
    `SELECT migration_name AS name FROM ${DATABASE_SCHEMA}._prisma_migrations
     WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL ORDER BY migration_name`,
  )
  const applied = rows.map(({ name }) => name)
  return {
    pending: names.filter((name) => !applied.includes(name)),
    unknown: applied.filter((name) => !names.includes(name)),
  }
}

/**
 * Applies the pending migrations. The caller holds the migration lock.
 *
 * @param pool its connections must look for unqualified names in {@link DATABASE_SCHEMA}
 * @returns the names of the migrations applied now, empty when the database was up to date.
 */
export async function applyMigrations(pool: pg.Pool): Promise<string[]> {
  // The engine keeps its table in this schema, so the schema must precede the first migration.
  if (!(await schemaExists(pool, DATABASE_SCHEMA))) await pool.query(`CREATE SCHEMA ${DATABASE_SCHEMA}`)
  const migrationsList = await readMigrations()
  return withSchemaEngine({ pool, schema: DATABASE_SCHEMA }, async (engine) => {
    const filters = { externalTables: [], externalEnums: [] }
    return (await engine.applyMigrations({ migrationsList, filters })).appliedMigrationNames
  })
}

/** Check before creating: even `IF NOT EXISTS` needs the right to create schemas. */
export async function schemaExists(pool: pg.Pool, schema: string): Promise<boolean> {
  const { rows } = await pool.query<{ exists: boolean }>('SELECT to_regnamespace($1) IS NOT NULL AS exists', [
    schema,
  ])
  return rows[0]?.exists === true
}
