// Starts every program of PostgreSQL. It gets a process group of its own, so that a Ctrl-C in the terminal
// reaches only this process, and an environment that cannot redirect it.
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { platform } from 'node:os'
import type { SystemUser } from './system-user.ts'

interface ChildOptions {
  /** The working folder of the program; `user` must be able to enter it. */
  folder: string
  user: SystemUser | undefined
  /** Where output goes: `pipe`, or an open file. */
  output: 'pipe' | number
  env?: Record<string, string>
}

export function spawnDetached(command: string, args: readonly string[], options: ChildOptions): ChildProcess {
  // Removes PGDATA, PGPORT and the like, which the person at the terminal has set for other servers.
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('PG'))
  return spawn(command, args, {
    cwd: options.folder,
    // English, because the code searches messages for English text.
    env: { ...Object.fromEntries(inherited), LC_ALL: 'C', ...options.env },
    detached: true,
    windowsHide: true,
    stdio: ['ignore', options.output, options.output],
    ...options.user,
  })
}

/** Resolves with the way the child ended; rejects only if it never started. */
export function exitOf(child: ChildProcess): Promise<{ code: number | null; signal: string | null }> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => resolve({ code, signal }))
  })
}

/** Asks the child, and everything that it started, to end. */
export function endGroup(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null) return
  if (platform() === 'win32') child.kill()
  else process.kill(-child.pid, 'SIGTERM')
}
