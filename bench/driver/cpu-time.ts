// Reads CPU time from Linux' /proc. Other systems do not tell without a native module.
import { readFile } from 'node:fs/promises'

/**
 * A constant of the kernel's interface, not of the machine:
 * https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
 */
const TICKS_PER_SECOND = 100

/** CPU seconds of a process and its children, including those that ended. Undefined if there is no /proc. */
export async function readCpuSeconds(pid: number): Promise<number | undefined> {
  const own = await readTicks(pid)
  if (own === undefined) return undefined
  const list = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
  const children = await Promise.all(list.trim().split(' ').filter(Boolean).map(Number).map(readTicks))
  return children.reduce<number>((sum, ticks) => sum + (ticks ?? 0), own) / TICKS_PER_SECOND
}

async function readTicks(pid: number): Promise<number | undefined> {
  // A process may end after it was listed and before it is read.
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  // The second field is the name, in parentheses, and may contain blanks. utime is field 14.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields?.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
}
