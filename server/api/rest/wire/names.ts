// REST uses snake_case. Only keys of the contract are renamed; a user's own data (params, metadata, output,
// custom events) passes unchanged.
import { z } from 'zod'
import type { Json, JsonObject } from '../../../contract/json.ts'
import { OWNER_FIELDS } from '../../../contract/principal.ts'
import type { Owner } from '../../../contract/principal.ts'
import { answerSchema } from './named.ts'

export const snake = (key: string): string => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** The type of a name's form in REST: `maxAttempts` is `max_attempts`. */
export type SnakeCase<Key extends string> = Key extends `${infer Letter}${infer Rest}`
  ? `${Letter extends Lowercase<Letter> ? Letter : `_${Lowercase<Letter>}`}${SnakeCase<Rest>}`
  : Key

export function snakeKeys(payload: Json): Json {
  if (!isObject(payload)) return payload
  return Object.fromEntries(Object.entries(payload).map(([key, value]) => [snake(key), value]))
}

export function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The owner. */
export type RestOwner = z.infer<typeof RestOwner>
export const RestOwner = answerSchema(
  'Owner',
  z.object({
    id: OWNER_FIELDS.id,
    tenant_id: OWNER_FIELDS.tenantId,
    kind: OWNER_FIELDS.kind,
  }),
)

export const toRestOwner = ({ id, tenantId, kind }: Owner): RestOwner => ({ id, tenant_id: tenantId, kind })

/** A user's own value. The use case refuses what is not allowed. */
export const FreeJson = z.unknown().meta({ description: 'Any JSON.' }) as z.ZodType<Json>
/** A user's own object. */
export const FreeObject = z
  .unknown()
  .meta({ type: 'object', additionalProperties: true }) as unknown as z.ZodType<JsonObject>

/** A time in answers. */
export const Time = z.string().meta({ format: 'date-time', example: '2030-01-31T08:00:00.000Z' })
