import { bearerToken } from '../../server/auth/index.ts'
import type { Principal } from '../../server/index.ts'

const EVERYBODY: Principal = { id: 'everybody', tenantId: '', kind: 'public' }

/**
 * Stands for the sign-in of your application: a name is believed, and nobody's password is asked. Pages have visitors without an
 * account besides; programs over REST need none, so that curl can ask at once.
 */
export function authenticate(request: Request): Principal | null {
  const name = bearerToken(request)
  if (name !== null) return { id: name, tenantId: '', kind: 'user' }
  return new URL(request.url).pathname.startsWith('/trpc') ? null : EVERYBODY
}
