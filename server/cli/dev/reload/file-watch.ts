// Tells when files change that may be saved in any way: written in place, replaced by a rename, deleted
// and created again with their folder. What is watched is therefore folders, and what has changed is
// found by looking at the files. A library for whole trees (chokidar) has the opposite task, of finding
// the files, and its newest needs a newer Node than this package does.
import { statSync, watch } from 'node:fs'
import type { FSWatcher, Stats } from 'node:fs'
import { dirname } from 'node:path'
import { versionOf } from '../../child/imported-files.ts'
import type { FileVersions } from '../../child/messages.ts'

/** Saves of many files, and of one in several steps, come within less of each other. */
const SETTLE_MS = 100

export interface Change {
  paths: string[]
  /** When the first of them was noticed, on the clock of `performance`. */
  noticedAt: number
}

interface WatchedFolder {
  watcher: FSWatcher
  inode: number
}

export class FileWatch {
  readonly #onChange: (change: Change) => void
  readonly #versions = new Map<string, string>()
  readonly #folders = new Map<string, WatchedFolder>()
  #settling: NodeJS.Timeout | undefined
  #noticedAt: number | undefined
  #isClosed = false

  constructor(onChange: (change: Change) => void) {
    this.#onChange = onChange
  }

  /** Watches these too, and tells if they are not of that version any more. */
  add(files: FileVersions): void {
    for (const [path, version] of files) this.#versions.set(path, version)
    this.#lookSoon()
  }

  /** Watches no others than these any more. */
  keepOnly(paths: ReadonlySet<string>): void {
    for (const path of this.#versions.keys()) if (!paths.has(path)) this.#versions.delete(path)
    this.#lookSoon()
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#settling)
    for (const { watcher } of this.#folders.values()) watcher.close()
  }

  #lookSoon(): void {
    if (this.#isClosed) return
    this.#noticedAt ??= performance.now()
    clearTimeout(this.#settling)
    this.#settling = setTimeout(() => this.#look(), SETTLE_MS)
  }

  #look(): void {
    const noticedAt = this.#noticedAt ?? performance.now()
    this.#noticedAt = undefined
    // First the folders: what is saved after that is told by them, what was saved before is seen here.
    this.#watchFolders()
    const paths: string[] = []
    for (const [path, known] of this.#versions) {
      const version = versionOf(path)
      if (version === known) continue
      this.#versions.set(path, version)
      paths.push(path)
    }
    if (paths.length > 0) this.#onChange({ paths, noticedAt })
  }

  #watchFolders(): void {
    const wanted = new Map(
      [...new Set([...this.#versions.keys()].map(dirname))].map((folder) => nearestExisting(folder)),
    )
    for (const [path, { watcher, inode }] of this.#folders) {
      // One that was deleted and created again is another one, of which its watcher knows nothing.
      if (wanted.get(path)?.ino === inode) continue
      watcher.close()
      this.#folders.delete(path)
    }
    for (const [path, { ino: inode }] of wanted) {
      if (!this.#folders.has(path)) this.#watchFolder(path, inode)
    }
  }

  #watchFolder(path: string, inode: number): void {
    try {
      const watcher = watch(path, { persistent: false }, () => this.#lookSoon())
      watcher.on('error', () => {
        // Deleted, on some systems: what is there now is looked at again.
        watcher.close()
        this.#folders.delete(path)
        this.#lookSoon()
      })
      this.#folders.set(path, { watcher, inode })
    } catch (error) {
      const { message } = error as Error
      process.stderr.write(`Changes of files in ${path} are not noticed: ${message}\n`)
    }
  }
}

/** The folder itself, or of those above it the first that exists: there it will be created. */
function nearestExisting(folder: string): [path: string, stats: Stats] {
  const stats = statSync(folder, { throwIfNoEntry: false })
  return stats === undefined ? nearestExisting(dirname(folder)) : [folder, stats]
}
