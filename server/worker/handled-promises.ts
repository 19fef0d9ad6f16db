/**
 * The same functions, whose promises are never unhandled: what an agent begins and does not await is rejected
 * when its attempt ends, and Node.js would end the process, with everybody's runs, for it.
 */
export function withHandledPromises<T extends object>(functions: T): T {
  return Object.fromEntries(
    Object.entries(functions).map(([name, call]: [string, (...args: unknown[]) => Promise<unknown>]) => [
      name,
      (...args: unknown[]) => {
        const promise = call(...args)
        promise.catch(() => {})
        return promise
      },
    ]),
  ) as T
}
