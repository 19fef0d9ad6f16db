// How every program of PostgreSQL is started: in a process group of its own, so that a Ctrl-C in the
// terminal reaches this process alone, and with an environment that can't redirect it.
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { platform } from 'node:os'
import type { SystemUser } from './system-user.ts'

interface ChildOptions {
  /** Also where relative paths of the program start; must be reachable for `user`. */
  folder: string
  user: SystemUser | undefined
  /** Where output goes: `pipe`, or an open file. */
  output: 'pipe' | number
  env?: Record<string, string>
}

export function spawnDetached(command: string, args: readonly string[], options: ChildOptions): ChildProcess {
  // PGDATA, PGPORT and the like of the person at the terminal are meant for other servers.
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('PG'))
  return spawn(command, args, {
    cwd: options.folder,
    // Messages are searched for English text.
    env: { ...Object.fromEntries(inherited), LC_ALL: 'C', ...options.env },
    detached: true,
    windowsHide: true,
    stdio: ['ignore', options.output, options.output],
    ...options.user,
  })
}

/** Resolves with how the child ended; rejects only if it never started. */
export function exitOf(child: ChildProcess): Promise<{ code: number | null; signal: string | null }> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => resolve({ code, signal }))
  })
}

/** Asks the child, and what it started itself, to end. */
export function endGroup(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null) return
  if (platform() === 'win32') child.kill()
  else process.kill(-child.pid, 'SIGTERM')
}
