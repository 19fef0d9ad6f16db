import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'

/** What tells that files have changed: those of a command and its arguments that are there, and further ones. */
export async function fileVersion(
  { command, args, cwd = '.' }: { command: string; args: readonly string[]; cwd?: string | undefined },
  further: readonly string[],
): Promise<string> {
  // A bare name is looked up in PATH.
  const named = [...(command.includes('/') ? [command] : []), ...args.filter((arg) => !arg.startsWith('-'))]
  const states = await Promise.all([...named, ...further].map((path) => stateOf(resolve(cwd, path))))
  return states.join()
}

async function stateOf(path: string): Promise<string> {
  try {
    const { mtimeMs, size, ino } = await stat(path)
    return `${mtimeMs}/${size}/${ino}`
  } catch {
    // An argument that is no file, or one too long for a name.
    return ''
  }
}
