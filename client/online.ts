import { eitherAborts } from './older-runtimes.ts'

/**
 * Waits as `wait` does, but no longer than until the browser is back online: what waited for the
 * network need not wait any more. Elsewhere than in a browser it is just `wait`.
 */
export async function untilOnline(
  wait: (signal: AbortSignal) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const online = new AbortController()
  const wake = () => online.abort()
  const unlisten = listen('online', wake)
  try {
    await wait(signal === undefined ? online.signal : eitherAborts(signal, online.signal))
  } finally {
    unlisten()
    // So that nothing listens to the other signal any more.
    wake()
  }
}

/** Whether the browser says that there is no network, and the page needs one. Elsewhere nobody says so. */
export function isOffline(): boolean {
  const { onLine }: { onLine?: boolean } = globalThis.navigator ?? {}
  return !(onLine ?? true) && !THIS_MACHINE.test(globalThis.location?.hostname)
}

/** Pages of it are developed without a network too. */
const THIS_MACHINE = /^(.+\.)?localhost$|^127\.|^\[::1\]$/

/** Calls `listener` when the browser is offline, which a connection itself notices seconds later. @returns what ends that. */
export const onOffline = (listener: () => void): (() => void) => listen('offline', listener)

function listen(type: 'online' | 'offline', listener: () => void): () => void {
  // Node has no such event, and some runtimes have no global event target at all.
  const target = typeof globalThis.addEventListener === 'function' ? globalThis : undefined
  target?.addEventListener(type, listener)
  return () => target?.removeEventListener(type, listener)
}
