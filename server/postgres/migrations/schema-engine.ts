// Prisma's schema engine as WebAssembly. It applies migrations and keeps `_prisma_migrations` as `prisma migrate
// deploy` does, but without the native binary that this command downloads.
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils'
import { PrismaPg } from '@prisma/adapter-pg'
import type { SqlMigrationAwareDriverAdapterFactory } from '@prisma/driver-adapter-utils'
import type { SchemaEngine } from '@prisma/schema-engine-wasm'
import type pg from 'pg'
import * as bindings from '@prisma/schema-engine-wasm/schema_engine_bg'

let instantiated: Promise<void> | undefined

async function instantiate(): Promise<void> {
  // Read it as a file, since importing a .wasm module is experimental in Node and prints a warning.
  const entry = createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm')
  const file = join(dirname(entry), 'schema_engine_bg.wasm')
  const { instance } = await WebAssembly.instantiate(await readFile(file), {
    './schema_engine_bg.js': withoutKeepingAlive(bindings),
  })
  // The package's types lack this function, since they describe the module as bundlers load it.
  const { __wbg_set_wasm: setWasm } = bindings as unknown as { __wbg_set_wasm(exports: object): void }
  setWasm(instance.exports)
  ;(instance.exports as { __wbindgen_start(): void }).__wbindgen_start()
}

/** Makes the engine's timers not keep the process alive: it never clears the 10 s timer of its advisory lock. */
function withoutKeepingAlive(imports: object): WebAssembly.ModuleImports {
  const unref = (callback: () => void, ms: number): NodeJS.Timeout => setTimeout(callback, ms >>> 0).unref()
  return Object.fromEntries(
    Object.entries(imports).map(([name, value]) => [
      name,
      name.startsWith('__wbg_setTimeout_') ? unref : value,
    ]),
  )
}

/**
 * Skips the engine's session lock. Behind a pooler the session would keep it after the engine is gone, and every later
 * migration would wait for it silently. The runtime has its own lock. Also sends scripts as whole statements: see
 * {@link statementsIn}.
 */
function withoutLocking(factory: PrismaPg): SqlMigrationAwareDriverAdapterFactory {
  return {
    provider: factory.provider,
    adapterName: factory.adapterName,
    connectToShadowDb: () => factory.connectToShadowDb(),
    async connect() {
      const adapter = await factory.connect()
      const executeRaw = adapter.executeRaw.bind(adapter)
      adapter.executeRaw = async (query) =>
        query.sql.startsWith('SELECT pg_advisory_lock(') ? 0 : executeRaw(query)
      adapter.executeScript = async (script) => {
        for (const sql of statementsIn(script)) await executeRaw({ sql, args: [], argTypes: [] })
      }
      return adapter
    },
  }
}

/** Splits a script into statements. Prisma's adapter would split at every semicolon, even inside function bodies. */
function statementsIn(script: string): string[] {
  const [hidden, semicolon] = ['\u0000', ';']
  return script
    .replaceAll(/\$\$[^]*?\$\$/g, (body) => body.replaceAll(semicolon, hidden))
    .split(semicolon)
    .map((statement) => statement.replaceAll(hidden, semicolon).trim())
    .filter((statement) => statement !== '')
}

interface SchemaEngineOptions {
  pool: pg.Pool
  /** The PostgreSQL schema for unqualified names, such as `_prisma_migrations`. */
  schema: string
}

/** Runs `use` with an engine connected to the database and disconnects it again. */
export async function withSchemaEngine<T>(
  { pool, schema }: SchemaEngineOptions,
  use: (engine: SchemaEngine) => Promise<T>,
): Promise<T> {
  await (instantiated ??= instantiate())
  const { SchemaEngine: Engine } = bindings as unknown as {
    SchemaEngine: { new: (input: object, log: () => void, adapter: object) => Promise<SchemaEngine> }
  }
  using engine = await Engine.new(
    { datamodels: undefined },
    () => {},
    bindMigrationAwareSqlAdapterFactory(withoutLocking(new PrismaPg(pool, { schema }))),
  )
  return await use(engine)
}
