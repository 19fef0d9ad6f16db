import { statSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FileVersions } from './messages.ts'

const INSTALLED = `${sep}node_modules${sep}`

/** Identifies a version of a file: it changes with a save, also when the save replaces the file. */
export function versionOf(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false })
  return stats === undefined ? 'absent' : `${stats.mtimeMs}:${stats.size}`
}

/**
 * From now on reports imported files, at any depth and time, except those of installed packages. It also
 * reports files that are missing or wrong, since those will be corrected.
 *
 * @returns a function that reports at once what was gathered.
 */
export function reportImportedFiles(report: (files: FileVersions) => Promise<void>): () => Promise<void> {
  const seen = new Set<string>()
  let gathered: FileVersions = []

  async function flush(): Promise<void> {
    if (gathered.length === 0) return
    const files = gathered
    gathered = []
    await report(files)
  }

  function note(url: string): void {
    if (!url.startsWith('file:')) return
    const path = fileURLToPath(url)
    if (seen.has(path) || path.includes(INSTALLED)) return
    seen.add(path)
    // Takes the version before the file is read, so that a save in between counts as a change.
    if (gathered.push([path, versionOf(path)]) === 1) setImmediate(() => void flush())
  }

  registerHooks({
    resolve(specifier, context, nextResolve) {
      try {
        const resolved = nextResolve(specifier, context)
        note(resolved.url)
        return resolved
      } catch (error) {
        if (/^\.{0,2}\//.test(specifier)) note(new URL(specifier, context.parentURL).href)
        throw error
      }
    },
  })
  return flush
}
