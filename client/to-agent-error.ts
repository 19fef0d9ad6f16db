import { TRPCClientError } from '@trpc/client'
import { AgentRuntimeError, ERROR_STATUS } from '../server/contract/agent-runtime-error.ts'
import type { ErrorBody, ErrorCode } from '../server/contract/agent-runtime-error.ts'
import type { RunError } from '../server/contract/run.ts'

/** Turns any failure of a call into the package's one error class. `unavailable`: no server answered. */
export function toAgentError(error: unknown): AgentRuntimeError {
  if (error instanceof AgentRuntimeError) return error
  const data: unknown = error instanceof TRPCClientError ? error.data : undefined
  const body = isRecord(data) ? data['error'] : undefined
  if (isErrorBody(body)) {
    return new AgentRuntimeError(body.code, body.error, {
      ...(body.details === undefined ? {} : { details: body.details }),
      cause: error,
    })
  }
  const code = isRecord(data) ? codeOfStatus(data['httpStatus']) : undefined
  const message = error instanceof Error ? error.message : String(error)
  if (code !== undefined) return new AgentRuntimeError(code, message, { cause: error })
  return new AgentRuntimeError('unavailable', `The server did not answer: ${message}`, { cause: error })
}

/** Turns a failure into plain data in the form of a run's own error, which views show. */
export function toRunError(error: unknown): RunError {
  const { message, code, details } = toAgentError(error)
  return { message, code, ...(details === undefined ? {} : { details }) }
}

function isErrorBody(value: unknown): value is ErrorBody {
  return (
    isRecord(value) &&
    typeof value['error'] === 'string' &&
    typeof value['code'] === 'string' &&
    Object.hasOwn(ERROR_STATUS, value['code'])
  )
}

/** The code for an error of tRPC itself, which has a status and no body of ours. */
function codeOfStatus(status: unknown): ErrorCode | undefined {
  const known = Object.entries(ERROR_STATUS).find(([, value]) => value === status)
  return known?.[0] as ErrorCode | undefined
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}
