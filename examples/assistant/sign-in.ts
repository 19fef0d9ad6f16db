import { bearerToken } from '../../server/auth/index.ts'
import type { Principal } from '../../server/index.ts'

const EVERYBODY: Principal = { id: 'everybody', tenantId: '', kind: 'public' }

/**
 * Stands for the sign-in of your application: it believes any name, and asks for no password. Pages may also
 * have visitors without an account. Programs over REST need none, so that curl works at once.
 */
export function authenticate(request: Request): Principal | null {
  const name = bearerToken(request)
  if (name !== null) return { id: name, tenantId: '', kind: 'user' }
  return new URL(request.url).pathname.startsWith('/trpc') ? null : EVERYBODY
}
