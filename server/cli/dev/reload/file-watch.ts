// Reports changes of files, however they are saved: written in place, replaced by a rename, or deleted and
// created again with their folder. So it watches folders, and looks at the files to find what has changed. A
// library for whole trees (chokidar) has another task, to find the files, and its newest version needs a
// newer Node than this package.
import { statSync, watch } from 'node:fs'
import type { FSWatcher, Stats } from 'node:fs'
import { dirname } from 'node:path'
import { versionOf } from '../../child/imported-files.ts'
import type { FileVersions } from '../../child/messages.ts'

/** Saves of many files, or of one file in several steps, follow each other faster than this. */
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

  /** Watches these too, and reports those that no longer have that version. */
  add(files: FileVersions): void {
    for (const [path, version] of files) this.#versions.set(path, version)
    this.#lookSoon()
  }

  /** Watches only these from now on. */
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
    // Watch the folders first: they report later saves, and this look finds earlier ones.
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
      // A folder that was deleted and created again is another folder, which the old watcher does not see.
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
        // On some systems this means that the folder was deleted, so look again.
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

/** The folder itself, or the first existing folder above it, where it will be created. */
function nearestExisting(folder: string): [path: string, stats: Stats] {
  const stats = statSync(folder, { throwIfNoEntry: false })
  return stats === undefined ? nearestExisting(dirname(folder)) : [folder, stats]
}
