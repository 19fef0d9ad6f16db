// The client needs these functions. React Native and browsers before 2024 lack them.

/** `AbortSignal.any` of two. Once it aborts it listens to neither. */
export function eitherAborts(one: AbortSignal, other: AbortSignal): AbortSignal {
  if (typeof AbortSignal.any === 'function') return AbortSignal.any([one, other])
  const either = new AbortController()
  const signals = [one, other]
  const end = () => {
    for (const signal of signals) signal.removeEventListener('abort', end)
    either.abort(signals.find(({ aborted }) => aborted)?.reason)
  }
  for (const signal of signals) signal.addEventListener('abort', end)
  if (one.aborted || other.aborted) end()
  return either.signal
}

/** `AbortSignal.prototype.throwIfAborted`. The signals may have no reason either. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return
  throw signal.reason ?? Object.assign(new Error('This operation was aborted.'), { name: 'AbortError' })
}

/** `Array.prototype.with`. */
export function replaced<T>(list: readonly T[], index: number, item: T): T[] {
  const copy = [...list]
  copy[index] = item
  return copy
}

/** Whether a response can be read while it arrives, as server-sent events need. */
export const canReadStreams = (): boolean => typeof Response === 'function' && 'body' in Response.prototype
