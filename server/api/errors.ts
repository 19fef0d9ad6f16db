import { TRPCError } from '@trpc/server'
import { TRPC_ERROR_CODES_BY_KEY } from '@trpc/server/rpc'
import { AgentRuntimeError } from '../contract/agent-runtime-error.ts'
import type { ErrorBody, ErrorCode } from '../contract/agent-runtime-error.ts'
import { shortened } from '../contract/issues.ts'
import type { Logger } from '../ports/logger.ts'
import { isOutage } from './outage.ts'

type TRPCCode = TRPCError['code']

/** Our codes as tRPC's codes. */
const TRPC_CODE = {
  bad_request: 'BAD_REQUEST',
  validation_failed: 'BAD_REQUEST',
  unknown_agent: 'BAD_REQUEST',
  unauthorized: 'UNAUTHORIZED',
  forbidden: 'FORBIDDEN',
  not_found: 'NOT_FOUND',
  method_not_allowed: 'METHOD_NOT_SUPPORTED',
  conflict: 'CONFLICT',
  payload_too_large: 'PAYLOAD_TOO_LARGE',
  unsupported_media_type: 'UNSUPPORTED_MEDIA_TYPE',
  rate_limited: 'TOO_MANY_REQUESTS',
  internal: 'INTERNAL_SERVER_ERROR',
  unavailable: 'SERVICE_UNAVAILABLE',
} as const satisfies Record<ErrorCode, TRPCCode>

/** Our codes for errors that tRPC itself raises. Its other codes come from us, or are internal errors. */
const OWN_CODE: Partial<Record<TRPCCode, ErrorCode>> = {
  PARSE_ERROR: 'bad_request',
  BAD_REQUEST: 'bad_request',
  NOT_FOUND: 'not_found',
  METHOD_NOT_SUPPORTED: 'method_not_allowed',
  PAYLOAD_TOO_LARGE: 'payload_too_large',
  UNSUPPORTED_MEDIA_TYPE: 'unsupported_media_type',
}

/** The `error` of a tRPC answer. */
export interface TRPCErrorShape {
  message: string
  code: (typeof TRPC_ERROR_CODES_BY_KEY)[TRPCCode]
  data: { code: TRPCCode; httpStatus: number; path: string | undefined; error: ErrorBody }
}

/** An error in tRPC's form, whatever raised it and at whatever point of a request. */
export function toTRPCShape(error: AgentRuntimeError, path?: string): TRPCErrorShape {
  const { code } = toTRPCError(error)
  const data = {
    code,
    httpStatus: error.status,
    path: path === undefined ? undefined : shortened(path),
    error: error.toBody(),
  }
  return { message: error.message, code: TRPC_ERROR_CODES_BY_KEY[code], data }
}

export function toTRPCError(error: AgentRuntimeError): TRPCError {
  return new TRPCError({ code: TRPC_CODE[error.code], message: error.message, cause: error })
}

/**
 * For the `errorFormatter` of an app that mounts the runtime's router in its own: adds the codes and details
 * of the runtime's errors. Without it the client tells errors apart only by their status.
 *
 * @example
 * const t = initTRPC.create({ errorFormatter: ({ shape, error }) => withAgentError(shape, error) })
 * export const appRouter = t.router({ agents: runtime.router })
 */
export function withAgentError<TShape extends { data: object }>(shape: TShape, { cause }: TRPCError): TShape {
  if (!(cause instanceof AgentRuntimeError)) return shape
  return { ...shape, data: { ...shape.data, error: cause.toBody() } }
}

/**
 * What a caller may read of an error. An internal error does not contain its cause; the cause goes to the
 * log.
 */
export function toAgentRuntimeError(error: unknown, log: Logger): AgentRuntimeError {
  if (error instanceof AgentRuntimeError) return error
  if (error instanceof TRPCError) {
    if (error.cause instanceof AgentRuntimeError) return error.cause
    const code = OWN_CODE[error.code]
    if (code !== undefined) return new AgentRuntimeError(code, shortened(error.message))
  }
  if (isOutage(error)) {
    log.error({ err: error }, 'a request found the database unavailable')
    return new AgentRuntimeError(
      'unavailable',
      'The service is not available right now. Try again in a moment.',
    )
  }
  log.error({ err: error }, 'a request failed')
  return new AgentRuntimeError('internal', 'Something went wrong on the server. Its log has the cause.')
}
