import type { Json, PendingWait } from '../../../client/index.ts'

export interface ApprovalRequest {
  tool: string
  arguments: Json
  /** Goes back with the answer, which is good for this call alone. */
  hash: string
  /** Of the `tool.call` that asks, where a model does. */
  toolCallId?: string
}

/** The call a wait asks leave for; null when it waits for something else. */
export function approvalOf({ kind, details }: PendingWait): ApprovalRequest | null {
  if (kind !== 'approval' || typeof details !== 'object' || details === null || Array.isArray(details))
    return null
  const { tool, arguments: args = null, hash, toolCallId } = details
  if (typeof tool !== 'string' || typeof hash !== 'string') return null
  return { tool, arguments: args, hash, ...(typeof toolCallId === 'string' ? { toolCallId } : {}) }
}
