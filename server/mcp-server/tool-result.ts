import type { CallToolResult } from '@modelcontextprotocol/server'
import { isPlainObject } from '../contract/json.ts'
import { lastAssistantMessage } from '../contract/last-assistant-message.ts'
import type { RunDetail } from '../contract/run.ts'
import { textOf } from '../contract/text-of.ts'

/** What a run that is over answers a call with. */
export function toToolResult(run: RunDetail): CallToolResult {
  const { status, output, error, messages, inputCount } = run
  if (status !== 'succeeded') return failed(error?.message ?? `The run was ${status}.`)
  const said = lastAssistantMessage(messages.slice(inputCount))
  const text = said === undefined ? JSON.stringify(output) : textOf(said)
  return {
    content: [{ type: 'text', text }],
    ...(isPlainObject(output) ? { structuredContent: output } : {}),
  }
}

export const failed = (text: string): CallToolResult => ({ isError: true, content: [{ type: 'text', text }] })
