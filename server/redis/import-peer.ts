import { StartupError } from '../ports/startup-error.ts'

/** @throws StartupError saying what to install. */
export async function importPeer<T>(
  packageName: string,
  load: () => Promise<T>,
  neededFor: string,
): Promise<T> {
  try {
    return await load()
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'ERR_MODULE_NOT_FOUND')) throw cause
    throw new StartupError(`${neededFor} needs the package "${packageName}": npm install ${packageName}`, {
      cause,
    })
  }
}
