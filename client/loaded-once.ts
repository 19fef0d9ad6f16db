import { isOffline } from './online.ts'

/**
 * What is loaded when it is first asked for. After a failure it is asked for again, and not at all while a page is offline: a browser may
 * remember that a module could not be loaded.
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
