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
  // Node has no such event, and some runtimes have no global event target at all.
  const target = typeof globalThis.addEventListener === 'function' ? globalThis : undefined
  target?.addEventListener('online', wake)
  try {
    await wait(signal === undefined ? online.signal : AbortSignal.any([signal, online.signal]))
  } finally {
    target?.removeEventListener('online', wake)
  }
}
