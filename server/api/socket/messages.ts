import { TRPCError } from '@trpc/server'
import type { TRPCProcedureType } from '@trpc/server'
import { parseTRPCMessage } from '@trpc/server/rpc'
import { AgentRuntimeError } from '../../contract/agent-runtime-error.ts'
import type { AgentRouter } from '../router.ts'

/**
 * Calls in one message. tRPC's client sends all calls of one tick of a page together, and after a reconnect
 * all streams.
 */
const MAX_CALLS = 1_000

export interface Call {
  id: number | string | null
  jsonrpc: '2.0' | undefined
  method: TRPCProcedureType
  path: string
  input: unknown
  lastEventId?: string | undefined
  /** Its place among the calls of its message. */
  index: number
}

/** Ends a subscription. */
interface Stop {
  id: number | string | null
  method: 'subscription.stop'
}

/**
 * Parses a client's message, which has one request or several.
 *
 * @throws TRPCError when it is not of tRPC's protocol.
 * @throws AgentRuntimeError `payload_too_large` when that is more than a message may hold.
 */
export function parseMessage(text: string, router: AgentRouter): (Call | Stop)[] {
  try {
    const parsed: unknown = JSON.parse(text)
    const said: unknown[] = Array.isArray(parsed) ? parsed : [parsed]
    if (said.length > MAX_CALLS) throw tooMany(said.length)
    return said.map((one, index) => toCall(one, index, router))
  } catch (cause) {
    throw cause instanceof AgentRuntimeError ? cause : new TRPCError({ code: 'PARSE_ERROR', cause })
  }
}

function tooMany(count: number): AgentRuntimeError {
  return new AgentRuntimeError(
    'payload_too_large',
    `A message holds ${MAX_CALLS} calls at most, not ${count}.`,
    {
      details: { maxCalls: MAX_CALLS },
    },
  )
}

function toCall(value: unknown, index: number, router: AgentRouter): Call | Stop {
  const message = parseTRPCMessage(value, router._def._config.transformer)
  const { id } = message
  if (message.method === 'subscription.stop') return { id, method: message.method }
  return { id, jsonrpc: message.jsonrpc, method: message.method, index, ...message.params }
}

/**
 * Parses the headers that a client sends first, if it has announced them.
 *
 * @throws TRPCError when that is something else.
 */
export function parseConnectionParams(text: string): Record<string, string> {
  let message: unknown
  try {
    message = JSON.parse(text)
    if (!isObject(message)) throw new Error('Message was not an object')
  } catch (cause) {
    throw new TRPCError({
      code: 'PARSE_ERROR',
      message: 'Malformed TRPCConnectionParamsMessage',
      cause,
    })
  }
  const params = (message as { data?: unknown }).data
  if (params === null) return {}
  if (isObject(params) && Object.values(params).every((value) => typeof value === 'string')) {
    return params as Record<string, string>
  }
  throw new TRPCError({ code: 'PARSE_ERROR', message: 'Invalid connection params shape' })
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
