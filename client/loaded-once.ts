import { isOffline } from './online.ts'

/**
 * Loads something at the first call. A later call tries again after a failure. Nothing is loaded while the page is offline, because a
 * browser may remember that a module could not be loaded.
 */
export function loadedOnce<T>(load: () => Promise<T>): () => Promise<T> {
  let loading: Promise<T> | undefined
  return async () => {
    if (loading === undefined && isOffline()) throw new Error('The browser is offline.')
    loading ??= load()
    try {
      return await loading
    } catch (failure) {
      loading = undefined
      throw failure
    }
  }
}
