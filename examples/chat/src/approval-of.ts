import type { Json, PendingWait } from '../../../client/index.ts'

export interface ApprovalRequest {
  tool: string
  arguments: Json
  /** Sent back with the answer, which is valid for this call only. */
  hash: string
  /** The id of the `tool.call`, if a model asked for it. */
  toolCallId?: string
}

/** The call that a wait asks approval for. Null if it waits for something else. */
export function approvalOf({ kind, details }: PendingWait): ApprovalRequest | null {
  if (kind !== 'approval' || typeof details !== 'object' || details === null || Array.isArray(details))
    return null
  const { tool, arguments: args = null, hash, toolCallId } = details
  if (typeof tool !== 'string' || typeof hash !== 'string') return null
  return { tool, arguments: args, hash, ...(typeof toolCallId === 'string' ? { toolCallId } : {}) }
}
