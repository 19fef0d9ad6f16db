// Ownership in queries, in one place. A row belongs to a tenant, an id and a kind together. Callers who reach further are
// bound by the tenant alone, or not at all.
import type { Scope } from '../contract/scope.ts'
import { ownerOf, reachOf } from '../ports/owner.ts'
import type { Owner, Reach } from '../ports/owner.ts'
import type { Statement } from './connections/transaction.ts'

/** What a new row of a model gets. */
export function ownedBy(owner: Owner): { tenantId: string; ownerId: string; ownerKind: Owner['kind'] } {
  const { tenantId, id, kind } = ownerOf(owner)
  return { tenantId, ownerId: id, ownerKind: kind }
}

/** A filter of a model. */
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

/** SQL that is true for a row of `table` that is reached: by {@link reachValues}, the parameters from `first` on. */
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

/** The parameters' values. They come last in a statement, since their number differs by scope. */
export function reachValues(reach: Reach): string[] {
  const { scope, ...owner } = reachOf(reach)
  const values = ownerValues(owner)
  return { own: values, tenant: values.slice(0, 1), any: [] }[scope]
}

/** One statement for each scope, so that each is planned for its own index. */
export function forEachScope(name: string, toText: (scope: Scope) => string): Record<Scope, Statement> {
  return {
    own: { name, text: toText('own') },
    tenant: { name: `${name}_tenant`, text: toText('tenant') },
    any: { name: `${name}_any`, text: toText('any') },
  }
}

/** SQL that is true for a row of `table` that is owned by {@link ownerValues}, the parameters from `first` on. */
export function isOwned(table: string, first: number): string {
  return isReached('own', table, first)
}

export function ownerValues(owner: Owner): [tenantId: string, id: string, kind: string] {
  const { tenantId, id, kind } = ownerOf(owner)
  return [tenantId, id, kind]
}

/** The values of a row that is a tenant's, for all of its principals: nobody is an owner of that kind. */
export function sharedValues(tenantId: string): [tenantId: string, id: string, kind: string] {
  return [tenantId, '', TENANT_KIND]
}

/** SQL that is true for a row of `a` that the tenant of `b` shares. */
export function isSharedWith(a: string, b: string): string {
  return `${haveOneTenant(a, b)} AND ${a}.owner_id = '' AND ${a}.owner_kind = '${TENANT_KIND}'`
}

/** SQL that is true where two rows have one owner. */
export function haveOneOwner(a: string, b: string): string {
  return `${haveOneTenant(a, b)} AND ${a}.owner_id = ${b}.owner_id AND ${a}.owner_kind = ${b}.owner_kind`
}

/** SQL that is true for a row of `a` that is reached by the one whom `b` names. */
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
