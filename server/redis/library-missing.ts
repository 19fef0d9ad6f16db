import { isNotInstalled } from '../ports/optional-peer.ts'
import { StartupError } from '../ports/startup-error.ts'

/** The error to throw when importing a library threw `cause`. It says how to install the library if it is missing. */
export function libraryMissing(packageName: string, neededFor: string, cause: unknown): unknown {
  if (!isNotInstalled(cause)) return cause
  return new StartupError(`${neededFor} needs the package "${packageName}": npm install ${packageName}`, {
    cause,
  })
}
