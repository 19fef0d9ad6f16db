import { z } from 'zod'
import { Json } from './json.ts'
import { pageLimit } from './page.ts'
import { Owner } from './principal.ts'
import { Scope } from './scope.ts'
import { SearchWords } from './search.ts'

export const MemoryId = z.uuid('a memory id is a UUID')

const NO_CONTROLS = /^[^\p{Cc}\p{Cs}]+$/u

/** Namespaces and keys are parts of names of steps, which may have 200 characters. */
export const MemoryNamespace = z
  .string()
  .max(60)
  .regex(NO_CONTROLS, 'a namespace has 1 to 60 characters, and no control characters')
export const MemoryKey = z
  .string()
  .max(100)
  .regex(NO_CONTROLS, 'a key has 1 to 100 characters, and no control characters')

/** Whom a memory belongs to: the run's principal, or the whole tenant. */
export type MemoryShare = z.infer<typeof MemoryShare>
export const MemoryShare = z.enum(['principal', 'tenant'])

/** Something that an agent remembers. Times are ISO 8601 in UTC. */
export type StoredMemory = z.infer<typeof StoredMemory>
export const StoredMemory = z.object({
  id: MemoryId,
  /** Null if it belongs to the tenant. */
  owner: Owner.nullable(),
  tenantId: z.string(),
  namespace: z.string(),
  key: z.string(),
  value: Json,
  createdAt: z.iso.datetime(),
  updatedAt: z.iso.datetime(),
})

/** A memory without its value. */
export type MemorySummary = Pick<StoredMemory, 'id' | 'owner' | 'tenantId' | 'namespace' | 'key'>

export const MemoryRef = z.object({ memoryId: MemoryId })

/** The memories to list, without the defaults. */
export type ListMemoriesRequest = z.input<typeof ListMemoriesInput>
export type ListMemoriesInput = z.infer<typeof ListMemoriesInput>
export const ListMemoriesInput = z.object({
  namespace: MemoryNamespace.optional(),
  /** Each of these words must occur in the key or in a text of the value, also within another word, in any case. */
  search: SearchWords.optional(),
  /** Whose: one's own, one's tenant's with what its callers share, or anybody's, as far as `authorize` allows. Default: `own`. */
  scope: Scope.default('own'),
  limit: pageLimit(200, 50),
  cursor: z.string().optional(),
})
