import { z } from 'zod'
import { AgentRuntimeError } from './agent-runtime-error.ts'
import { isPlainObject } from './json.ts'

/** Two of them and an idempotency key fit an entry of an index in PostgreSQL. */
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

/** A UTF-16 code unit is three bytes of UTF-8 at most: short texts need not be counted. */
function fits(text: string): boolean {
  return text.length * 3 <= MAX_BYTES || encoder.encode(text).length <= MAX_BYTES
}

export const OWNER_FIELDS = {
  id: Name.min(1),
  tenantId: Name,
  kind: z.enum(['user', 'anonymous', 'public']),
}

/** Who created a run, and who asks for it. */
export interface Principal {
  /** Stable id of the owner, not empty, at most 512 bytes. */
  id: string
  /** Separates customers in a shared database; `''` where there is but one. At most 512 bytes. */
  tenantId: string
  kind: 'user' | 'anonymous' | 'public'
  /** What else is known of who asks, for `authorize`. It lives as long as the request and is stored nowhere. */
  claims?: Readonly<Record<string, unknown>> | undefined
}

/** Whose a run or a conversation is. */
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

/** Who everybody is where nobody has to say who they are. */
export const PUBLIC_PRINCIPAL: Principal = { id: 'public', tenantId: '', kind: 'public' }

/** What was parsed once stays as it was; a copy of it has to be parsed again. */
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
 * Nothing an application says of who asks is believed before it was parsed: an undefined id, or an operator in
 * its place, would be no bound on what is read. What this returned is returned as it is: each use case asks again.
 *
 * @throws AgentRuntimeError `unauthorized`, with what is wrong as its `cause`
 */
export function parsePrincipal(value: unknown): Principal {
  try {
    if (value instanceof ParsedPrincipal) return value
    // Every request comes by here: the whole schema takes twice as long, and is for what is wrong.
    return new ParsedPrincipal(isPlainObject(value) ? Fields.parse(value) : Principal.parse(value))
  } catch (cause) {
    // Also what a getter threw.
    throw new AgentRuntimeError('unauthorized', 'Authentication is required.', { cause })
  }
}
