import type { Json } from '../../contract/json.ts'
import type { StoredMemory } from '../../contract/memory.ts'
import { TENANT_KIND } from '../owned-by.ts'
import { OWNER_COLUMN_OF, toOwner } from './owner-columns.ts'
import type { OwnerColumns } from './owner-columns.ts'
import { selectList } from './select-list.ts'

export interface MemoryRow extends OwnerColumns {
  id: string
  namespace: string
  key: string
  value: unknown
  createdAt: Date
  updatedAt: Date
}

const MEMORY_COLUMN_OF = {
  id: 'id',
  ...OWNER_COLUMN_OF,
  namespace: 'namespace',
  key: 'key',
  value: 'value',
  createdAt: 'created_at',
  updatedAt: 'updated_at',
} satisfies Record<keyof MemoryRow, string>

/** The select list that makes a {@link MemoryRow}, for a table named `r`. */
export const MEMORY_COLUMNS = selectList(MEMORY_COLUMN_OF)

export function toMemory(row: MemoryRow): StoredMemory {
  const { id, tenantId, namespace, key } = row
  return {
    id,
    owner: row.ownerKind === TENANT_KIND ? null : toOwner(row),
    tenantId,
    namespace,
    key,
    value: row.value as Json,
    createdAt: row.createdAt.toISOString(),
    updatedAt: row.updatedAt.toISOString(),
  }
}
