import { eitherAborts } from './older-runtimes.ts'

/**
 * Waits as `wait` does, but ends early when the browser is back online, since the network is there again.
 * Outside of browsers it is just `wait`.
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
    // This removes the listener from the other signal.
    wake()
  }
}

/** Whether the browser reports that there is no network, and the page needs one. False outside of browsers. */
export function isOffline(): boolean {
  const { onLine }: { onLine?: boolean } = globalThis.navigator ?? {}
  return !(onLine ?? true) && !THIS_MACHINE.test(globalThis.location?.hostname)
}

/** Developers use pages of their own machine without a network too. */
const THIS_MACHINE = /^(.+\.)?localhost$|^127\.|^\[::1\]$/

/** Calls `listener` when the browser goes offline. A connection itself notices seconds later. @returns a function that ends this. */
export const onOffline = (listener: () => void): (() => void) => listen('offline', listener)

function listen(type: 'online' | 'offline', listener: () => void): () => void {
  // Node has no such event, and some runtimes have no global event target at all.
  const target = typeof globalThis.addEventListener === 'function' ? globalThis : undefined
  target?.addEventListener(type, listener)
  return () => target?.removeEventListener(type, listener)
}
