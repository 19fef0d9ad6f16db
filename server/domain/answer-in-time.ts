/**
 * Waits a limited time for the answer of a function of the application. Without a promise there is no timer.
 *
 * @param onLate makes the error to throw when the answer does not come in time
 */
export async function answerInTime<T>(
  asked: T | PromiseLike<T>,
  timeoutMs: number,
  onLate: () => Error,
): Promise<T> {
  if (!isPromise(asked)) return asked
  const timeout = Promise.withResolvers<never>()
  const timer = setTimeout(() => timeout.reject(onLate()), timeoutMs)
  try {
    return await Promise.race([asked, timeout.promise])
  } finally {
    clearTimeout(timer)
  }
}

function isPromise<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof value === 'object' && value !== null && 'then' in value
}
