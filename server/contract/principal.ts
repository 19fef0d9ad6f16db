import { z } from 'zod'
import { AgentRuntimeError } from './agent-runtime-error.ts'
import { isPlainObject } from './json.ts'

/** An index entry of PostgreSQL has room for two of these and an idempotency key. */
const MAX_BYTES = 512

/** PostgreSQL's text holds neither U+0000 nor half a surrogate pair. */
const Name = z
  .string()
  .refine(
    (text) => text.isWellFormed() && !text.includes('\0'),
    'must not contain U+0000 or half a surrogate pair',
  )
  .refine((text) => fits(text), `at most ${MAX_BYTES} bytes of UTF-8`)

const encoder = new TextEncoder()

/** A UTF-16 code unit takes at most three bytes of UTF-8, so short texts need not be counted. */
function fits(text: string): boolean {
  return text.length * 3 <= MAX_BYTES || encoder.encode(text).length <= MAX_BYTES
}

export const OWNER_FIELDS = {
  id: Name.min(1),
  tenantId: Name,
  kind: z.enum(['user', 'anonymous', 'public']),
}

/** A caller: who created a run, or who asks for it. */
export interface Principal {
  /** Stable id of the owner, not empty, at most 512 bytes. */
  id: string
  /** Separates customers in a shared database; `''` if there is only one. At most 512 bytes. */
  tenantId: string
  kind: 'user' | 'anonymous' | 'public'
  /** More about the caller, for `authorize`. It lives as long as the request and is not stored. */
  claims?: Readonly<Record<string, unknown>> | undefined
}

/** The owner of a run or a conversation. */
export type Owner = Pick<Principal, 'id' | 'tenantId' | 'kind'>
export const Owner: z.ZodType<Owner> = z.object(OWNER_FIELDS)

const Fields = z.object({
  ...OWNER_FIELDS,
  claims: z.record(z.string(), z.unknown()).optional(),
})
export const Principal: z.ZodType<Principal> = z
  // An object of a class, a list or a function with these fields got here by mistake.
  .custom<object>(isPlainObject, { error: 'expected a plain object', abort: true })
  .pipe(Fields)

/** The principal of all callers when there is no `authenticate`. */
export const PUBLIC_PRINCIPAL: Principal = { id: 'public', tenantId: '', kind: 'public' }

/** A parsed principal is frozen and remembered; a copy of it is parsed again. */
class ParsedPrincipal implements Principal {
  readonly id: string
  readonly tenantId: string
  readonly kind: Principal['kind']
  readonly claims?: Principal['claims']

  constructor({ id, tenantId, kind, claims }: Principal) {
    this.id = id
    this.tenantId = tenantId
    this.kind = kind
    if (claims !== undefined) this.claims = claims
    Object.freeze(this)
  }
}

/**
 * Validates what an application says about a caller. An undefined id, or a query operator in its place, would
 * not bound what is read. A principal that this function returned is accepted at once, because each use case
 * calls it again.
 *
 * @throws AgentRuntimeError `unauthorized`, with what is wrong as its `cause`
 */
export function parsePrincipal(value: unknown): Principal {
  try {
    if (value instanceof ParsedPrincipal) return value
    // Every request passes here. The whole schema takes twice as long, so it is used only to describe errors.
    return new ParsedPrincipal(isPlainObject(value) ? Fields.parse(value) : Principal.parse(value))
  } catch (cause) {
    // Also an error that a getter threw.
    throw new AgentRuntimeError('unauthorized', 'Authentication is required.', { cause })
  }
}
