import { execFileSync } from 'node:child_process'

/** Process ids of a process' children: of any program, or of one. */
export function childrenOf(pid: number, program?: string): number[] {
  const listed = execFileSync('ps', ['-A', '-o', 'ppid=,pid=,args='], { encoding: 'utf8' })
  const rows = listed.matchAll(/^ *(\d+) +(\d+) +(\S+)/gm)
  return [...rows]
    .filter(([, parent, , path = '']) => {
      return Number(parent) === pid && (program === undefined || path.split('/').at(-1) === program)
    })
    .map(([, , child]) => Number(child))
}

/** Process ids of a process' children, of theirs, and so on: of any program, or of one. */
export function descendantsOf(pid: number, program?: string): number[] {
  return childrenOf(pid, program).flatMap((child) => [child, ...descendantsOf(child, program)])
}

/** Signals a process unless it has ended meanwhile. */
export function signalIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
