/**
 * Waits for the answer of a function of the application, for a limited time. An answer that is no promise needs no timer.
 *
 * @param onLate makes the error that is thrown when there is no answer in time
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
