import type { MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import { isForm } from './files/multipart.ts'

/**
 * Refuses requests whose body is too large.
 *
 * @param formPaths paths that also take forms with files. These are measured while they are read.
 */
export function limitBody(maxBodyBytes: number, formPaths: ReadonlySet<string>): MiddlewareHandler {
  const measured = bodyLimit({
    maxSize: maxBodyBytes,
    onError: () => {
      throw new AgentRuntimeError(
        'payload_too_large',
        `The request body is larger than the ${maxBodyBytes} bytes allowed.`,
        { details: { maxBodyBytes } },
      )
    },
  })

  // A declared length is checked here, because any access to the body takes the request off the HTTP server's
  // fast path.
  return (c, next) => {
    if (c.req.method === 'GET' || c.req.method === 'HEAD') return next()
    if (isForm(c.req.raw) && formPaths.has(c.req.path.replace(/\/$/, ''))) return next()
    const length = c.req.header('content-length')
    const isDeclared = length !== undefined && c.req.header('transfer-encoding') === undefined
    return isDeclared && Number(length) <= maxBodyBytes ? next() : measured(c, next)
  }
}
