import type { Context, MiddlewareHandler, Next } from 'hono'
import { cors } from 'hono/cors'
import { csrf } from 'hono/csrf'
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import type { Logger } from '../ports/logger.ts'
import { isForm } from './files/multipart.ts'
import { logRefusal } from './log-refusal.ts'
import { hostsOf, isOwnOrigin } from './public-url.ts'

const CORS = { exposeHeaders: ['retry-after'], maxAge: 600 }

/**
 * Decides which pages of other origins may read answers. Browsers ask before the request, without
 * credentials, so this comes before authentication. `*` allows all origins, but without cookies: otherwise
 * any page could act as its reader.
 */
export function allowOrigins(allowed: readonly string[]): MiddlewareHandler {
  const named = cors({ ...CORS, origin: (origin) => origin, credentials: true })
  const everybody = cors({ ...CORS, origin: '*' })
  return (c, next) => {
    const origin = c.req.header('origin')
    if (origin === undefined) return next()
    if (allowed.includes(origin)) return named(c, next)
    if (allowed.includes('*')) return everybody(c, next)
    // Without a header that allows anything, the browser keeps the answer to itself.
    return c.req.method === 'OPTIONS' ? Promise.resolve(new Response(null, { status: 204 })) : next()
  }
}

/**
 * Refuses requests that change something and that any page can make a browser send with its reader's cookies,
 * without a preflight: a form or an empty body. Pages of its own and of listed origins may send them.
 */
export function refuseForgeries(allowed: readonly string[], log: Logger): MiddlewareHandler {
  const guard = csrf({
    origin: (origin, c) => allowed.includes(origin) || isOwnOrigin(origin, hostsOf(c.req.raw)),
  })
  return (c, next) =>
    isAmbient(c) || (isForeignForm(c) && !allowed.includes('*')) ? guarded(c, next) : next()

  async function guarded(c: Context, next: Next): Promise<void> {
    await guard(c, async () => {}).catch(() => {
      const error = new AgentRuntimeError('forbidden', FORGED)
      logRefusal(log, error, c.req.raw)
      throw error
    })
    await next()
  }
}

const FORGED =
  'With cookies, send JSON (content-type: application/json), or from an origin that the setting allowedOrigins names.'

/**
 * Files come in forms, which a browser sends from any page without asking. Without `authenticate`, everybody
 * who reaches the server may do everything, so pages of other origins must be refused even without cookies.
 * Clients other than browsers send no origin.
 */
function isForeignForm(c: Context): boolean {
  return isForm(c.req.raw) && c.req.header('origin') !== undefined
}

/** Whether the request has credentials that a browser adds by itself. */
function isAmbient(c: Context): boolean {
  return (
    c.req.header('cookie') !== undefined ||
    /^(basic|digest|negotiate|ntlm)\b/i.test(c.req.header('authorization') ?? '')
  )
}
