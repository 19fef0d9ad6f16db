import { statSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FileVersions } from './messages.ts'

const INSTALLED = `${sep}node_modules${sep}`

/** Tells a file from what it is after a save, also when that replaces it by another. */
export function versionOf(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false })
  return stats === undefined ? 'absent' : `${stats.mtimeMs}:${stats.size}`
}

/**
 * From now on reports files that are imported, at whatever depth and time, except installed packages'.
 * Also those that turn out to be missing or wrong: they are what is going to be put right.
 *
 * @returns reports at once what it has gathered.
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
    // Looked at before it is read: a save in between then counts as a change.
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
