// Handles a server that already runs on the folder.
import { setTimeout as sleep } from 'node:timers/promises'
import { dataFolderOf, prepareFolder, readPassword } from './cluster.ts'
import type { ClusterOptions } from './cluster.ts'
import { EmbeddedPostgresError } from './error.ts'
import { readOwner } from './ownership.ts'
import type { Owner } from './ownership.ts'
import { isPostmasterOf, isRunning, readPostmaster, stopPostmaster } from './postmaster.ts'
import { adminUrlOf } from './server-process.ts'

const OWNER_GRACE_MS = 10_000
const LOOK_EVERY_MS = 100

/**
 * Returns when no server is on the folder any more, with the process number that postmaster.pid wrongly
 * names, if any.
 *
 * @throws EmbeddedPostgresError when the server has a living owner.
 */
export async function clearTheWay(
  { folder, log, signal }: ClusterOptions,
  password: string,
): Promise<number | undefined> {
  const dataFolder = dataFolderOf(folder)
  for (const deadline = Date.now() + OWNER_GRACE_MS; ; await sleep(LOOK_EVERY_MS)) {
    signal.throwIfAborted()
    const postmaster = await readPostmaster(dataFolder)
    if (postmaster === undefined) return undefined
    if (!(await isPostmasterOf(dataFolder, postmaster.pid))) return postmaster.pid
    const owner = await readOwner(adminUrlOf(postmaster.port, password)).catch(() => undefined)
    if (owner?.holdsLock) throw inUse(folder, owner)
    // A living owner without the lock is just starting or stopping, unless this lasts.
    const expired = Date.now() > deadline
    if (owner !== undefined && (expired || !(await isRunning(owner.pid)))) {
      log(`Stopping the PostgreSQL that a killed process left running (process ${postmaster.pid}) …`)
      await stopPostmaster(dataFolder, postmaster.pid, 'fast')
    } else if (expired) {
      throw new EmbeddedPostgresError(
        `PostgreSQL (process ${postmaster.pid}) runs on ${folder} but does not answer: stop it, then try again.`,
      )
    }
  }
}

/** @throws EmbeddedPostgresError when a living owner runs a server on the folder. */
export async function assertNotInUse(dataDir: string): Promise<void> {
  const folder = await prepareFolder(dataDir)
  const postmaster = await readPostmaster(dataFolderOf(folder))
  if (postmaster === undefined || !(await isPostmasterOf(dataFolderOf(folder), postmaster.pid))) return
  const owner = await readOwner(adminUrlOf(postmaster.port, await readPassword(folder))).catch(
    () => undefined,
  )
  if (owner?.holdsLock) throw inUse(folder, owner)
}

function inUse(folder: string, { pid, url }: Owner): EmbeddedPostgresError {
  const where = url === '' ? '' : ` at ${url}`
  return new EmbeddedPostgresError(
    `Already running in this folder${where} (process ${pid}, database in ${folder}): stop that one first, or start this one in another folder.`,
  )
}
