import type { Owner } from '../../contract/principal.ts'

/** The owner of a row, as both Prisma and a select list deliver it. */
export interface OwnerColumns {
  tenantId: string
  ownerId: string
  ownerKind: string
}

export const OWNER_COLUMN_OF = {
  tenantId: 'tenant_id',
  ownerId: 'owner_id',
  ownerKind: 'owner_kind',
} satisfies Record<keyof OwnerColumns, string>

export function toOwner({ tenantId, ownerId, ownerKind }: OwnerColumns): Owner {
  return { id: ownerId, tenantId, kind: ownerKind as Owner['kind'] }
}
