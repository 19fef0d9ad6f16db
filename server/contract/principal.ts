import { z } from 'zod'
import { AgentRuntimeError } from './agent-runtime-error.ts'
import { isPlainObject } from './json.ts'

/** Two of them and an idempotency key fit an entry of an index in PostgreSQL. */
const MAX_BYTES = 512

/** PostgreSQL's text holds neither U+0000 nor half a surrogate pair. */
const Name = z
  .string()
  .regex(/^[^\0\p{Surrogate}]*$/u, 'must not contain U+0000 or half a surrogate pair')
  .refine((text) => new TextEncoder().encode(text).length <= MAX_BYTES, `at most ${MAX_BYTES} bytes of UTF-8`)

/** Who created a run, and who asks for it. */
export interface Principal {
  /** Stable id of the owner, not empty, at most 512 bytes; runs and conversations are visible to their owner alone. */
  id: string
  /** Separates customers in a shared database; `''` where there is but one. At most 512 bytes. */
  tenantId: string
  kind: 'user' | 'anonymous' | 'public'
  /** What else is known of who asks, for `authorizeEvents`. It lives as long as the request and is stored nowhere. */
  claims?: Readonly<Record<string, unknown>> | undefined
}
export const Principal: z.ZodType<Principal> = z
  // An object of a class, a list or a function with these fields got here by mistake.
  .custom<object>(isPlainObject, { error: 'expected a plain object', abort: true })
  .pipe(
    z.object({
      id: Name.min(1),
      tenantId: Name,
      kind: z.enum(['user', 'anonymous', 'public']),
      claims: z.record(z.string(), z.unknown()).optional(),
    }),
  )

/** Who everybody is where nobody has to say who they are. */
export const PUBLIC_PRINCIPAL: Principal = { id: 'public', tenantId: '', kind: 'public' }

/**
 * Nothing an application says of who asks is believed before it was parsed: an undefined id, or an operator in
 * its place, would be no bound on what is read.
 *
 * @throws AgentRuntimeError `unauthorized`, with what is wrong as its `cause`
 */
export function parsePrincipal(value: unknown): Principal {
  try {
    return Principal.parse(value)
  } catch (cause) {
    // Also what a getter threw.
    throw new AgentRuntimeError('unauthorized', 'Authentication is required.', { cause })
  }
}
