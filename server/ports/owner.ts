import type { Owner, Principal } from '../contract/principal.ts'
import { isWithin, Scope } from '../contract/scope.ts'

export type { Owner } from '../contract/principal.ts'

/** Which rows a caller may read: the store narrows every read for a caller to its reach. */
export interface Reach extends Owner {
  scope: Scope
}

const KINDS = { user: true, anonymous: true, public: true } satisfies Record<Principal['kind'], true>

/**
 * The owner that a principal stands for. Filters are made only of this result, since Prisma takes `undefined` as no
 * filter and an object as an operator. Principals are parsed on arrival; this check also stops one that was not parsed.
 *
 * @throws TypeError when it stands for nobody.
 */
export function ownerOf({ id, tenantId, kind }: Owner): Owner {
  if (typeof id !== 'string' || id === '') throw nobody('id')
  if (typeof tenantId !== 'string') throw nobody('tenantId')
  if (typeof kind !== 'string' || !Object.hasOwn(KINDS, kind)) throw nobody('kind')
  return { id, tenantId, kind }
}

/** Checks a reach in the same way. @throws TypeError also when it has no valid scope. */
export function reachOf(reach: Reach): Reach {
  if (!Scope.options.includes(reach.scope))
    throw new TypeError('A reach without a valid "scope" reaches nothing.')
  return { ...ownerOf(reach), scope: reach.scope }
}

/** The narrower of two reaches, which must have the same owner. */
export function narrower(one: Reach, other: Reach): Reach {
  return isWithin(one.scope, other.scope) ? one : other
}

export function isSameOwner(a: Owner, b: Owner): boolean {
  return a.id === b.id && a.tenantId === b.tenantId && a.kind === b.kind
}

function nobody(field: keyof Owner): TypeError {
  return new TypeError(
    `A principal without a valid "${field}" owns nothing: it must be parsed before it is used.`,
  )
}
