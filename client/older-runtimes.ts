// What React Native and browsers before 2024 lack, as far as the client needs it.

/** `AbortSignal.any` of two. */
export function eitherAborts(one: AbortSignal, other: AbortSignal): AbortSignal {
  if (typeof AbortSignal.any === 'function') return AbortSignal.any([one, other])
  const either = new AbortController()
  for (const signal of [one, other]) {
    if (signal.aborted) either.abort(signal.reason)
    signal.addEventListener('abort', () => either.abort(signal.reason), { signal: either.signal })
  }
  return either.signal
}

/** `Array.prototype.with`. */
export function replaced<T>(list: readonly T[], index: number, item: T): T[] {
  const copy = [...list]
  copy[index] = item
  return copy
}

/** Whether the body of an answer can be read as it comes, as server-sent events are. */
export const canReadStreams = (): boolean => typeof Response === 'function' && 'body' in Response.prototype
