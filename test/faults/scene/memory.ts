import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Fleet } from './fleet.ts'

/** Resident memory of a fleet's processes with their children, in MiB. */
export interface Memory {
  servers: number
  workers: number
}

/** Most processes are younger than the scene: faults end them, and others take their place. */
export async function memoryOf({ servers, workers }: Pick<Fleet, 'servers' | 'workers'>): Promise<Memory> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid=,rss='])
  const rows = stdout.trim().split('\n')
  const processes = rows.map((row) => {
    const [pid = 0, parent = 0, kib = 0] = row.trim().split(/ +/).map(Number)
    return { pid, parent, kib }
  })
  const treeOf = (root: number): number =>
    processes.reduce((sum, { pid, parent, kib }) => {
      if (pid === root) return sum + kib
      return parent === root ? sum + treeOf(pid) : sum
    }, 0)
  const all = (members: Fleet['workers']): number =>
    members.reduce((sum, { process }) => sum + treeOf(process.pid), 0) / 1024
  return { servers: all(servers), workers: all(workers) }
}
