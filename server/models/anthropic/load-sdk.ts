import { notEmpty, notInstalled } from '../provider/not-installed.ts'

/**
 * The SDK is an optional peer. Bundlers take an import for optional only when it stands in a `try` itself: then they
 * warn of a package that is not installed, where they would else refuse to build.
 *
 * @throws ModelError naming the package when it is not installed.
 */
export async function loadSdk() {
  try {
    return notEmpty(await import('@anthropic-ai/sdk'))
  } catch (error) {
    throw notInstalled('@anthropic-ai/sdk', error)
  }
}
