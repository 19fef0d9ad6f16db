// PostgreSQL refuses to run as root, and most containers run as root. There it runs as the system user
// `postgres`, or as the user who already owns the data.
import { execFile } from 'node:child_process'
import { chown, stat } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { EmbeddedPostgresError } from './error.ts'

const run = promisify(execFile)

/** The user that a process runs as. */
export interface SystemUser {
  uid: number
  gid: number
}

/**
 * The user that PostgreSQL runs as: `undefined` for the current user; another one only if this process runs
 * as root. Creates the user `postgres` if there is none.
 */
export async function choosePostgresUser(dataFolder: string): Promise<SystemUser | undefined> {
  if (userInfo().uid !== 0) return undefined
  const owner = await stat(dataFolder).catch(() => undefined)
  if (owner !== undefined && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid }
  const user = (await lookUpPostgres()) ?? (await createPostgres())
  // A copy made by root belongs to root, so its owner is changed.
  if (owner !== undefined) await run('chown', ['-R', `${user.uid}:${user.gid}`, dataFolder])
  return user
}

async function lookUpPostgres(): Promise<SystemUser | undefined> {
  try {
    const [uid, gid] = await Promise.all([run('id', ['-u', 'postgres']), run('id', ['-g', 'postgres'])])
    return { uid: Number(uid.stdout), gid: Number(gid.stdout) }
  } catch {
    return undefined
  }
}

async function createPostgres(): Promise<SystemUser> {
  try {
    await run('useradd', ['--system', '--user-group', '--no-create-home', 'postgres'])
    const user = await lookUpPostgres()
    if (user !== undefined) return user
    throw new Error('useradd left no user behind')
  } catch (cause) {
    throw new EmbeddedPostgresError(
      'PostgreSQL does not run as root and the system user "postgres" could not be created: create it, run this as an ordinary user, or set DATABASE_URL.',
      { cause },
    )
  }
}

/** Gives a file or folder to the user that PostgreSQL runs as. */
export async function giveTo(user: SystemUser | undefined, path: string): Promise<void> {
  if (user !== undefined) await chown(path, user.uid, user.gid)
}

/**
 * @throws EmbeddedPostgresError naming the folder on the way to `path` that PostgreSQL may not enter.
 */
export async function assertReachable(user: SystemUser | undefined, path: string): Promise<void> {
  if (user === undefined) return
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const { uid, gid, mode } = await stat(folder)
    const shift = uid === user.uid ? 6 : gid === user.gid ? 3 : 0
    if (((mode >> shift) & 1) === 0) {
      throw new EmbeddedPostgresError(
        `PostgreSQL does not run as root, and the user it runs as (uid ${user.uid}) may not enter ${folder}: run \`chmod o+x ${folder}\`, run this as an ordinary user, or set DATABASE_URL.`,
      )
    }
    if (folder === dirname(folder)) return
  }
}
