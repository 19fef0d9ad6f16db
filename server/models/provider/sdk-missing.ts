import { ModelError } from '../../ports/model.ts'
import { isNotInstalled } from '../../ports/optional-peer.ts'

/** What to throw where importing a provider's SDK threw `cause`: how to install it, if that is what is missing. */
export function sdkMissing(packageName: string, cause: unknown): unknown {
  if (!isNotInstalled(cause)) return cause
  return new ModelError(`This model client needs the package "${packageName}": npm install ${packageName}`, {
    retriable: false,
    cause,
  })
}
