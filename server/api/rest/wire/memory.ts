import { z } from 'zod'
import type { StoredMemory } from '../../../contract/memory.ts'
import { answerSchema } from './named.ts'
import { FreeJson, RestOwner, Time, toRestOwner } from './names.ts'

export type RestMemory = z.infer<typeof RestMemory>
export const RestMemory = answerSchema(
  'Memory',
  z.object({
    id: z.uuid(),
    owner: RestOwner.nullable().describe('Null if it belongs to the tenant.'),
    tenant_id: z.string(),
    namespace: z.string(),
    key: z.string(),
    value: FreeJson,
    created_at: Time,
    updated_at: Time,
  }),
)

export function toRestMemory({ owner, tenantId, createdAt, updatedAt, ...memory }: StoredMemory): RestMemory {
  return {
    ...memory,
    owner: owner && toRestOwner(owner),
    tenant_id: tenantId,
    created_at: createdAt,
    updated_at: updatedAt,
  }
}
