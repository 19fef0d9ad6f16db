// Calls such as `ctx.step` are told apart by their order. Code of which a later attempt runs only a part has another order then: each such part
// is a scope, in which calls have an order of their own.
import { AsyncLocalStorage } from 'node:async_hooks'

export interface CallScope {
  /** The same in each attempt, and no other scope's of the run. */
  readonly id: string
  /** Of this time that it is run: each time its calls are counted from the first. */
  readonly time: object
}

type FindScope = () => CallScope | undefined

const storage = new AsyncLocalStorage<FindScope>()

/** Runs code whose calls are a scope's own. @param id the same in each attempt, and no other scope's within the one around it. */
export function withinCallScope<T>(id: string, run: () => T): T {
  const scope = { id, time: {} }
  return withinFoundScope(() => scope, run)
}

/** The same for code that is in more than one scope: @param find is asked at each call. */
export function withinFoundScope<T>(find: FindScope, run: () => T): T {
  const outer = currentCallScope()
  return storage.run(() => nested(outer, find()), run)
}

export function currentCallScope(): CallScope | undefined {
  return storage.getStore()?.()
}

function nested(outer: CallScope | undefined, inner: CallScope | undefined): CallScope | undefined {
  if (outer === undefined || inner === undefined) return inner ?? outer
  return { id: `${outer.id}\n${inner.id}`, time: inner.time }
}
