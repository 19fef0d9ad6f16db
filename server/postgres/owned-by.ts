// Ownership in queries, in one place. A row belongs to a tenant, an id and a kind together. For callers with a wider
// scope only the tenant is checked, or nothing.
import type { Scope } from '../contract/scope.ts'
import { ownerOf, reachOf } from '../ports/owner.ts'
import type { Owner, Reach } from '../ports/owner.ts'
import type { Statement } from './connections/transaction.ts'

/** The owner columns of a new row of a model. */
export function ownedBy(owner: Owner): { tenantId: string; ownerId: string; ownerKind: Owner['kind'] } {
  const { tenantId, id, kind } = ownerOf(owner)
  return { tenantId, ownerId: id, ownerKind: kind }
}

/** A filter of a model for the rows within reach. */
export function within(reach: Reach): Partial<ReturnType<typeof ownedBy>> {
  const { scope, ...owner } = reachOf(reach)
  switch (scope) {
    case 'own':
      return ownedBy(owner)
    case 'tenant':
      return { tenantId: owner.tenantId }
    case 'any':
      return {}
  }
}

/** SQL condition: the row of `table` is within reach. The parameters from `first` on are {@link reachValues}. */
export function isReached(scope: Scope, table: string, first: number): string {
  switch (scope) {
    case 'own':
      return `${table}.tenant_id = $${first} AND ${table}.owner_id = $${first + 1} AND ${table}.owner_kind = $${first + 2}`
    case 'tenant':
      return `${table}.tenant_id = $${first}`
    case 'any':
      return 'true'
  }
}

/** The values of these parameters. They come last in a statement, since their number differs by scope. */
export function reachValues(reach: Reach): string[] {
  const { scope, ...owner } = reachOf(reach)
  const values = ownerValues(owner)
  return { own: values, tenant: values.slice(0, 1), any: [] }[scope]
}

/** Makes one statement for each scope, so that each is planned for its own index. */
export function forEachScope(name: string, toText: (scope: Scope) => string): Record<Scope, Statement> {
  return {
    own: { name, text: toText('own') },
    tenant: { name: `${name}_tenant`, text: toText('tenant') },
    any: { name: `${name}_any`, text: toText('any') },
  }
}

/** SQL condition: the row of `table` belongs to the owner. The parameters from `first` on are {@link ownerValues}. */
export function isOwned(table: string, first: number): string {
  return isReached('own', table, first)
}

export function ownerValues(owner: Owner): [tenantId: string, id: string, kind: string] {
  const { tenantId, id, kind } = ownerOf(owner)
  return [tenantId, id, kind]
}

/** The owner values of a row that a tenant shares among its principals. No principal has this kind. */
export function sharedValues(tenantId: string): [tenantId: string, id: string, kind: string] {
  return [tenantId, '', TENANT_KIND]
}

/** SQL condition: the tenant of row `b` shares row `a`. */
export function isSharedWith(a: string, b: string): string {
  return `${haveOneTenant(a, b)} AND ${a}.owner_id = '' AND ${a}.owner_kind = '${TENANT_KIND}'`
}

/** SQL condition: two rows have the same owner. */
export function haveOneOwner(a: string, b: string): string {
  return `${haveOneTenant(a, b)} AND ${a}.owner_id = ${b}.owner_id AND ${a}.owner_kind = ${b}.owner_kind`
}

/** SQL condition: the owner of row `b`, with this scope, reaches row `a`. */
export function isReachedBy(a: string, b: string, scope: Scope): string {
  return { own: haveOneOwner(a, b), tenant: haveOneTenant(a, b), any: 'true' }[scope]
}

export const TENANT_KIND = 'tenant'

const haveOneTenant = (a: string, b: string) => `${a}.tenant_id = ${b}.tenant_id`

/** For `unnest` into columns tenant_id, owner_id, owner_kind. */
export function ownerColumns(
  owners: readonly Owner[],
): [tenantIds: string[], ids: string[], kinds: string[]] {
  const values = owners.map(ownerValues)
  return [values.map(([tenantId]) => tenantId), values.map(([, id]) => id), values.map(([, , kind]) => kind)]
}
