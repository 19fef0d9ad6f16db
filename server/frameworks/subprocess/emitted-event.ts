import type { AgentContext } from '../../agent/context.ts'
import { NonRetriableError } from '../../agent/non-retriable-error.ts'
import { createToolCallId } from '../../agent/tool-call-id.ts'
import { RUNTIME_EVENTS } from '../../contract/runtime-events.ts'
import { isPlainObject } from '../../contract/json.ts'
import type { Json } from '../../contract/json.ts'
import { z } from 'zod'
import type { MessageOf } from './protocol.ts'

/** Tells a run what its process tells it: events of the runtime's types in snake_case, those of the agent as they are. */
export function createTeller(ctx: AgentContext): (message: MessageOf<'emit'>) => Promise<void> {
  /** The tools of calls that were told, for results that don't say. */
  const tools = new Map<unknown, unknown>()

  function payloadOf(type: keyof typeof RUNTIME_EVENTS, given: Json): unknown {
    const payload = isPlainObject(given) ? camelKeys(given) : given
    const filled = isPlainObject(payload) ? fillIn(type, payload) : payload
    const parsed = RUNTIME_EVENTS[type].schema.safeParse(filled)
    if (parsed.success) return parsed.data
    throw new NonRetriableError(
      `The payload of the event "${type}" is not valid: ${z.prettifyError(parsed.error).slice(0, 500)}`,
    )
  }

  /** What clients of the reference leave out. */
  function fillIn(type: string, payload: Record<string, unknown>): Record<string, unknown> {
    if (type === 'tool.call') {
      const toolCallId = payload['toolCallId'] ?? createToolCallId()
      tools.set(toolCallId, payload['tool'])
      return { ...payload, toolCallId, arguments: read(payload['arguments']) }
    }
    if (type === 'tool.result') return { tool: tools.get(payload['toolCallId']) ?? 'tool', ...payload }
    if (type === 'assistant.message') return { messageId: crypto.randomUUID(), ...payload }
    return payload
  }

  return async ({ event, payload, visibility, once }) => {
    const options = { ...(visibility && { visibility }), ...(once && { once }) }
    if (!isRuntimes(event)) return ctx.emit(event as never, payload as never, options)
    const isPlainMessage = event === 'assistant.message' && visibility === undefined && once === undefined
    if (isPlainMessage && isPlainObject(payload) && typeof payload['content'] === 'string') {
      // Each attempt makes the same ids of it.
      if (payload['message_id'] === undefined) return ctx.emitMessage(payload['content'])
    }
    return ctx.emit(event as never, payloadOf(event, payload) as never, options)
  }
}

/** How a run goes, the runtime tells: what a process says of it is refused as any agent's is. */
const isRuntimes = (type: string): type is keyof typeof RUNTIME_EVENTS =>
  Object.hasOwn(RUNTIME_EVENTS, type) && !type.startsWith('run.')

function camelKeys(payload: Record<string, unknown>): Record<string, unknown> {
  const camel = (key: string) => key.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase())
  return Object.fromEntries(Object.entries(payload).map(([key, value]) => [camel(key), value]))
}

/** Arguments are often the text that a model wrote. */
function read(value: unknown): unknown {
  if (typeof value !== 'string') return value
  try {
    return JSON.parse(value) as unknown
  } catch {
    return value
  }
}
