import { isNotInstalled } from '../ports/optional-peer.ts'
import { StartupError } from '../ports/startup-error.ts'

/** What to throw where importing a library threw `cause`: how to install it, if that is what is missing. */
export function libraryMissing(packageName: string, neededFor: string, cause: unknown): unknown {
  if (!isNotInstalled(cause)) return cause
  return new StartupError(`${neededFor} needs the package "${packageName}": npm install ${packageName}`, {
    cause,
  })
}
