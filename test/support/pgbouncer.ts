import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { freePort, isInstalled } from './local-server.ts'

/** Why tests behind PgBouncer are skipped, or false. */
export const withoutPgBouncer: string | false = isInstalled('pgbouncer')
  ? false
  : 'pgbouncer is not installed (apt-get install pgbouncer)'

export interface TestPgBouncer extends AsyncDisposable {
  /** The database behind it. */
  url: string
}

/** A PgBouncer in front of a database, in transaction pooling. */
export async function startPgBouncer(databaseUrl: string): Promise<TestPgBouncer> {
  const target = new URL(databaseUrl)
  const url = new URL(databaseUrl)
  url.port = String(await freePort())
  const folder = await mkdtemp(join(tmpdir(), 'agent-runtime-pgbouncer-'))
  const settings = join(folder, 'pgbouncer.ini')
  await writeFile(
    settings,
    `[databases]
* = host=127.0.0.1 port=${target.port} user=${target.username} password=${target.password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${url.port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 20
`,
  )
  await chmod(folder, 0o755)
  // It refuses to run as root.
  const asUser = userInfo().uid === 0 ? ['-u', 'nobody'] : []
  const server = spawn('pgbouncer', [...asUser, settings], { stdio: ['ignore', 'ignore', 'pipe'] })
  for await (const line of createInterface(server.stderr)) if (line.includes('process up')) break
  server.stderr.resume()
  return {
    url: url.href,
    async [Symbol.asyncDispose]() {
      const exited = once(server, 'exit')
      server.kill('SIGKILL')
      await exited
      await rm(folder, { recursive: true })
    },
  }
}
