// Ownership in queries, once: a row is its owner's by tenant, id and kind together.
import { ownerOf } from '../ports/owner.ts'
import type { Owner } from '../ports/owner.ts'

/** A filter of a model, or what a new row of it gets. */
export function ownedBy(owner: Owner): { tenantId: string; ownerId: string; ownerKind: Owner['kind'] } {
  const { tenantId, id, kind } = ownerOf(owner)
  return { tenantId, ownerId: id, ownerKind: kind }
}

/** SQL that is true for a row of `table` that is owned by {@link ownerValues}, the parameters from `first` on. */
export function isOwned(table: string, first: number): string {
  return `${table}.tenant_id = $${first} AND ${table}.owner_id = $${first + 1} AND ${table}.owner_kind = $${first + 2}`
}

export function ownerValues(owner: Owner): [tenantId: string, id: string, kind: string] {
  const { tenantId, id, kind } = ownerOf(owner)
  return [tenantId, id, kind]
}

/** SQL that is true where two rows have one owner. */
export function haveOneOwner(a: string, b: string): string {
  return `${a}.tenant_id = ${b}.tenant_id AND ${a}.owner_id = ${b}.owner_id AND ${a}.owner_kind = ${b}.owner_kind`
}

/** For `unnest` into columns tenant_id, owner_id, owner_kind. */
export function ownerColumns(
  owners: readonly Owner[],
): [tenantIds: string[], ids: string[], kinds: string[]] {
  const values = owners.map(ownerValues)
  return [values.map(([tenantId]) => tenantId), values.map(([, id]) => id), values.map(([, , kind]) => kind)]
}
