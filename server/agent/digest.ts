import { createHash } from 'node:crypto'
import { canonicalJson } from '../contract/canonical-json.ts'
import type { Json } from '../contract/json.ts'
import type { AgentMessage } from '../contract/message.ts'

/** Short, and equal for what is equal: messages without their ids and what their providers need back, which no other model is told. */
export function digestOf(asked: string | readonly AgentMessage[]): string {
  const told =
    typeof asked === 'string' ? asked : asked.map((message) => ({ ...message, id: null, providerData: null }))
  return createHash('sha256')
    .update(canonicalJson(told as Json))
    .digest('hex')
    .slice(0, 32)
}
