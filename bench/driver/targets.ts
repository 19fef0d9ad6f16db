import type { EmbeddedPostgres } from '../../server/embedded-postgres/embedded-postgres.ts'
import { migrateDatabase } from '../../server/index.ts'
import { FLOOR_SCHEMA } from '../floor/schema.ts'
import { FLOOR_TABLES } from '../floor/tables.ts'
import { SYSTEM_TABLES } from '../system/tables.ts'
import { startRedis } from './start-redis.ts'
import { startTarget } from './start-target.ts'
import { createDatabase, query } from './target-database.ts'
import { isInRedis } from './target.ts'
import type { Target, TargetKind } from './target.ts'

/** Half of what a worker executes at once. */
const TENANT_RUNS_AT_ONCE = 128

interface TargetsOptions {
  postgres: EmbeddedPostgres
  /** Folder for a CPU profile of each process. */
  profileDir: string | undefined
}

/** The floor and the systems. Each has a database of its own in the same PostgreSQL. */
export interface Targets extends AsyncDisposable {
  /** The target that workloads share. The first of them starts it, and it stays until the end. */
  share(kind: TargetKind): Promise<Target>
  /** A target that nothing has used. Disposing of it removes its database. */
  start(kind: TargetKind): Promise<Target & AsyncDisposable>
}

export function createTargets({ postgres, profileDir }: TargetsOptions): Targets {
  const stack = new AsyncDisposableStack()
  const shared = new Map<TargetKind, Promise<Target>>()
  let databases = 0

  async function start(kind: TargetKind): Promise<Target & AsyncDisposable> {
    await using started = new AsyncDisposableStack()
    databases += 1
    const database = `bench_${kind.replaceAll('-', '_')}_${databases}`
    const databaseUrl = await createDatabase(postgres.url, database)
    // When a benchmark is interrupted, PostgreSQL may have ended before.
    started.defer(() =>
      query(postgres.url, `DROP DATABASE ${database} WITH (FORCE)`).then(
        () => {},
        () => {},
      ),
    )
    if (kind === 'floor') await query(databaseUrl, FLOOR_SCHEMA)
    else await migrateDatabase(databaseUrl)
    const target = await startTarget({
      name: kind,
      folder: kind === 'floor' ? 'floor' : 'system',
      workerFolder: kind === 'frameworks' ? kind : undefined,
      databaseUrl,
      tables: kind === 'floor' ? FLOOR_TABLES : SYSTEM_TABLES,
      postgres,
      redis: isInRedis(kind) ? started.use(await startRedis()) : undefined,
      tenantRunsAtOnce: kind.startsWith('system-limited') ? TENANT_RUNS_AT_ONCE : undefined,
      isWatched: kind === 'system-watched',
      profileDir,
    })
    started.use(target)
    const running = started.move()
    return { ...target, [Symbol.asyncDispose]: () => running.disposeAsync() }
  }

  return {
    start,
    share(kind) {
      const target = shared.get(kind) ?? start(kind).then((another) => stack.use(another))
      shared.set(kind, target)
      return target
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}
