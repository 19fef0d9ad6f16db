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
 * Which pages of other origins may read answers. Browsers ask beforehand, without credentials: so this comes before
 * authentication. `*` is for all, but for none with cookies: any page could act as its reader then.
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
 * Refuses what any page can have a browser send with its reader's cookies, and no preflight: a form, or nothing,
 * by a method that changes something. Of pages of its own and of those named it takes that too.
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
 * Files come in forms, which a browser sends from any page without asking: where nobody has to say who they are, what tells
 * them from others is that they reach the server at all. Who is no browser names no origin.
 */
function isForeignForm(c: Context): boolean {
  return isForm(c.req.raw) && c.req.header('origin') !== undefined
}

/** Whether a browser sent on its own what tells who is asking. */
function isAmbient(c: Context): boolean {
  return (
    c.req.header('cookie') !== undefined ||
    /^(basic|digest|negotiate|ntlm)\b/i.test(c.req.header('authorization') ?? '')
  )
}
