import type { ElicitRequest, ElicitResult } from '@modelcontextprotocol/client'
import type { ToolContext } from '../agent/define-tool.ts'

const CANCEL: ElicitResult = { action: 'cancel' }

/** Has a person answer what a server asks in the middle of a call. */
export async function elicit(
  call: Pick<ToolContext, 'ask'> | undefined,
  params: ElicitRequest['params'],
): Promise<ElicitResult> {
  if (call === undefined || !('requestedSchema' in params)) return CANCEL
  const { message, requestedSchema } = params
  const content = { ...(requestedSchema as Record<string, unknown>) }
  delete content['$schema']
  const answer = await call.ask({
    details: { message },
    schema: {
      anyOf: [
        form({ action: { const: 'accept' }, content }),
        form({ action: { enum: ['decline', 'cancel'] } }),
      ],
    },
  })
  return answer.status === 'timed_out' ? CANCEL : (answer.value as ElicitResult)
}

function form(properties: Record<string, unknown>): Record<string, unknown> {
  return { type: 'object', properties, required: Object.keys(properties), additionalProperties: false }
}
