import { ModelError } from '../../ports/model.ts'

/**
 * Imports a provider's SDK. SDKs are optional peers: only who uses a provider installs its package.
 *
 * @throws ModelError naming the package when it is not installed.
 */
export async function loadSdk<T>(packageName: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load()
  } catch (cause) {
    if (!isModuleNotFound(cause)) throw cause
    throw new ModelError(`This model client needs the package "${packageName}": npm install ${packageName}`, {
      retriable: false,
      cause,
    })
  }
}

function isModuleNotFound(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND'
}
