/**
 * The same functions, with promises that are always handled. A promise that an agent does not await is rejected when
 * its attempt ends. Unhandled, it would end the process with all its runs.
 */
export function withHandledPromises<T extends object>(functions: T): T {
  const handled: Record<string, Begin> = {}
  for (const [name, begin] of Object.entries(functions) as [string, Begin][]) {
    handled[name] = (...args) => {
      const promise = begin(...args)
      promise.catch(() => {})
      return promise
    }
  }
  return handled as T
}

type Begin = (...args: unknown[]) => Promise<unknown>
