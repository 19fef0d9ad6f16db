import { notEmpty } from '../../ports/optional-peer.ts'
import { sdkMissing } from '../provider/sdk-missing.ts'

/** @throws ModelError naming the package when it is not installed. */
export async function loadSdk() {
  try {
    return notEmpty(await import('@anthropic-ai/sdk'))
  } catch (error) {
    throw sdkMissing('@anthropic-ai/sdk', error)
  }
}
