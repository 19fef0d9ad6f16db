import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { open, readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { platform } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { exitOf, spawnDetached } from './child.ts'
import { dataFolderOf, lastLine, logFileOf } from './cluster.ts'
import type { ClusterOptions } from './cluster.ts'
import { EmbeddedPostgresError } from './error.ts'
import { ownerSettings } from './ownership.ts'
import type { Owner } from './ownership.ts'
import { stopPostmaster } from './postmaster.ts'

/** The server ended before it took connections. */
export class EarlyExit extends EmbeddedPostgresError {
  /** Another server has the folder or the port; the start is tried again. */
  readonly contended: boolean
  constructor(output: string, logFile: string) {
    super(`PostgreSQL did not start: ${lastLine(output)} (see ${logFile})`)
    this.contended = /could not bind|lock file .* already exists/.test(output)
  }
}

export interface ServerProcess {
  pid: number
  port: number
  exited: Promise<{ code: number | null; signal: string | null }>
}

interface ServerOptions extends ClusterOptions {
  owner: Owner
  password: string
  /** A process number in a postmaster.pid that a crash left behind. Another process has that number now. */
  strayPid: number | undefined
}

/** Starts the server and resolves when it takes connections. */
export async function startServer(options: ServerOptions): Promise<ServerProcess> {
  const { folder, binaries, user, durable, owner, strayPid, signal } = options
  const port = await findFreePort()
  const log = await open(logFileOf(folder), 'w', 0o600)
  const child = spawnDetached(
    binaries.postgres,
    [
      ...['-D', dataFolderOf(folder), '-p', String(port)],
      ...['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='],
      ...['-c', 'max_connections=200', '-c', 'timezone=UTC'],
      // A power failure may then lose the cluster, so this is only for clusters that are thrown away anyway.
      ...(durable ? [] : ['-c', 'fsync=off', '-c', 'full_page_writes=off']),
      ...ownerSettings(owner),
    ],
    {
      folder,
      user,
      // A file, not a pipe: a server that outlives this process must be able to go on logging.
      output: log.fd,
      // The server treats a lock file as abandoned if it names the server's own grandparent. It still checks
      // that nobody uses the shared memory named there.
      ...(strayPid === undefined ? {} : { env: { PG_GRANDPARENT_PID: String(strayPid) } }),
    },
  )
  const exited = exitOf(child)
  let ended = false
  const markEnded = (): boolean => (ended = true)
  void exited.then(markEnded, markEnded)
  try {
    const { pid } = child
    if (pid === undefined)
      throw new EmbeddedPostgresError(`PostgreSQL did not start: ${await failureOf(exited)}`)
    stopWhenOrphaned(pid, options, exited)
    while (!(await accepts(adminUrlOf(port, options.password)))) {
      if (ended) throw new EarlyExit(await readFile(logFileOf(folder), 'utf8'), logFileOf(folder))
      if (signal.aborted) await stopPostmaster(dataFolderOf(folder), pid, 'fast')
      signal.throwIfAborted()
      await sleep(READY_POLL_MS)
    }
    return { pid, port, exited }
  } finally {
    await log.close()
  }
}

const READY_POLL_MS = 25

export function adminUrlOf(port: number, password: string): string {
  return `postgresql://postgres:${password}@127.0.0.1:${port}/postgres`
}

async function failureOf(exited: Promise<unknown>): Promise<string> {
  return exited.then(String, (error: Error) => error.message)
}

/** Connecting fails while a server starts up, recovers, or does not exist yet. */
async function accepts(adminUrl: string): Promise<boolean> {
  const client = new pg.Client({ connectionString: adminUrl, connectionTimeoutMillis: 2000 })
  client.on('error', () => {
    // The connection was lost after it was made; the next look decides.
  })
  try {
    await client.connect()
    return true
  } catch (error) {
    const { code } = error as { code?: string }
    if (code === '28P01')
      throw new EmbeddedPostgresError('PostgreSQL refuses the password kept beside its data.')
    return false
  } finally {
    await client.end()
  }
}

async function findFreePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/**
 * Stops the server when this process is gone, however it ended. A shell waits for the end of a pipe, and only
 * this process holds the other end. Without it a SIGKILL would leave the server running until the next start.
 */
function stopWhenOrphaned(pid: number, { folder, user, log }: ServerOptions, exited: Promise<unknown>): void {
  if (platform() === 'win32') return
  const watcher: ChildProcess = spawn('/bin/sh', ['-c', 'read -r _; kill -INT "$0"', String(pid)], {
    cwd: folder,
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    ...user,
  })
  watcher.on('error', (error) => log(`PostgreSQL is not watched over: ${error.message}`))
  watcher.unref()
  // Ended before the pipe, so that it does not signal another process that got the server's number.
  const dismiss = (): boolean => watcher.kill('SIGKILL')
  void exited.then(dismiss, dismiss)
}
