// Finds the server that runs on a data folder. PostgreSQL's own postmaster.pid decides: it is written when a
// server takes the folder, and stays if the server is killed.
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { platform } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

export interface Postmaster {
  pid: number
  port: number
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** The server named in postmaster.pid, alive or not. */
export async function readPostmaster(dataFolder: string): Promise<Postmaster | undefined> {
  const text = await readFile(join(dataFolder, 'postmaster.pid'), 'utf8').catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return ''
      throw error
    },
  )
  // pid, data folder, start time, port
  const [pid, , , port] = text.split('\n').map((line) => Number.parseInt(line, 10))
  return pid ? { pid, port: port || 0 } : undefined
}

/** Like {@link isAlive}, but false for a process that has ended and was not reaped yet. */
export async function isRunning(pid: number): Promise<boolean> {
  return isAlive(pid) && (await readCommand(pid)) !== ''
}

/** Whether the process is the server of this data folder, and not another process that got its number. */
export async function isPostmasterOf(dataFolder: string, pid: number): Promise<boolean> {
  if (!isAlive(pid)) return false
  const command = await readCommand(pid)
  return command === undefined || command.includes(dataFolder)
}

/** `undefined` if unknown, empty for a process that has ended. */
async function readCommand(pid: number): Promise<string | undefined> {
  if (platform() === 'win32') return undefined
  const reading =
    platform() === 'linux'
      ? readFile(`/proc/${pid}/cmdline`, 'utf8')
      : promisify(execFile)('ps', ['-ww', '-o', 'command=', '-p', String(pid)]).then((ps) => ps.stdout)
  return reading.catch(() => (isAlive(pid) ? undefined : ''))
}

/** The ways to stop a server, most patient first: the signal, and milliseconds until the next one. */
const STOP_STEPS = [
  // Takes no new connections, and waits for those that are just being closed.
  ['smart', 'SIGTERM', 300],
  // Rolls back what is open and writes a checkpoint.
  ['fast', 'SIGINT', 15_000],
  // Leaves recovery to the next start.
  ['immediate', 'SIGQUIT', 5_000],
  ['kill', 'SIGKILL', 5_000],
] as const
const LOOK_EVERY_MS = 20

export type StopMode = 'smart' | 'fast' | 'immediate'

/** Stops a server and waits until it is gone. None of the ways loses committed data. */
export async function stopPostmaster(dataFolder: string, pid: number, mode: StopMode): Promise<void> {
  const first = STOP_STEPS.findIndex(([name]) => name === mode)
  for (const [, signal, boundMs] of STOP_STEPS.slice(first)) {
    if (!sendSignal(pid, signal)) return
    for (let waited = 0; waited < boundMs; waited += LOOK_EVERY_MS) {
      if (!(await isPostmasterOf(dataFolder, pid))) return
      await sleep(LOOK_EVERY_MS)
    }
  }
}

/** False if the process does not exist. */
function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw error
  }
}
