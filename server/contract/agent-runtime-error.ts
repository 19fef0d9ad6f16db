// This file does not use zod, so that a browser that only throws and catches this class loads no validator.
import type { Json } from './json.ts'

/** Every error code that can cross the wire, with its HTTP status. */
export const ERROR_STATUS = {
  bad_request: 400,
  validation_failed: 400,
  unknown_agent: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  payload_too_large: 413,
  unsupported_media_type: 415,
  rate_limited: 429,
  internal: 500,
  unavailable: 503,
} as const

export type ErrorCode = keyof typeof ERROR_STATUS

export const ERROR_CODES = Object.keys(ERROR_STATUS) as [ErrorCode, ...ErrorCode[]]

/** The body of every error answer, in REST and (as `data.error`) in tRPC. */
export interface ErrorBody {
  /** One sentence for a person: what is wrong and, where possible, what to do. */
  error: string
  code: ErrorCode
  /** Machine-readable particulars, e.g. the fields that failed validation. */
  details?: Json
}

/**
 * The one error class of the package. Thrown by the server's use cases, carried over the wire as
 * {@link ErrorBody}, and thrown again by the client with the same `code`.
 *
 * @example
 * try { await run.cancel() }
 * catch (error) { if (error instanceof AgentRuntimeError && error.code === 'conflict') … }
 */
export class AgentRuntimeError extends Error {
  override readonly name = 'AgentRuntimeError'
  readonly code: ErrorCode
  readonly details: Json | undefined

  constructor(code: ErrorCode, message: string, options: { details?: Json; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.details = options.details
  }

  get status(): number {
    return ERROR_STATUS[this.code]
  }

  /**
   * For `rate_limited`: after how many seconds to try again, if the server could tell
   * (`details.retryAfterSeconds`).
   */
  get retryAfterSeconds(): number | undefined {
    const { details } = this
    if (typeof details !== 'object' || details === null || Array.isArray(details)) return undefined
    const { retryAfterSeconds } = details
    return typeof retryAfterSeconds === 'number' ? retryAfterSeconds : undefined
  }

  toBody(): ErrorBody {
    return {
      error: this.message,
      code: this.code,
      ...(this.details === undefined ? {} : { details: this.details }),
    }
  }
}
