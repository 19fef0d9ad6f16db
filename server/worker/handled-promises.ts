/**
 * The same functions, whose promises are never unhandled: what an agent begins and does not await is rejected
 * when its attempt ends, and Node.js would end the process, with everybody's runs, for it.
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
