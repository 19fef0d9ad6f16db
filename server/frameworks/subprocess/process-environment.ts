import { existsSync } from 'node:fs'
import { delimiter } from 'node:path'
import { fileURLToPath } from 'node:url'

/** What programs need to find themselves. None of it is a secret, as what else a worker has in its environment may be. */
const HANDED_ON = ['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'LC_ALL', 'LC_CTYPE', 'TZ', 'TMPDIR']

/** The folder of the module for Python, from the sources or from `dist`. */
const PYTHON = ['../../../python/', '../../../../python/']
  .map((path) => fileURLToPath(new URL(path, import.meta.url)))
  .find((path) => existsSync(path))

/** The environment of an agent's process: what is named, and the little that every program needs. */
export function processEnvironment(
  named: Readonly<Record<string, string>>,
  own: NodeJS.ProcessEnv,
): Record<string, string> {
  const handedOn = HANDED_ON.flatMap((name) => (own[name] === undefined ? [] : [[name, own[name]] as const]))
  const env: Record<string, string> = { ...Object.fromEntries(handedOn), ...named }
  if (PYTHON !== undefined) {
    // Theirs first: it may have a version of its own of the module.
    env['PYTHONPATH'] = [env['PYTHONPATH'], PYTHON].filter(Boolean).join(delimiter)
  }
  return env
}
