import { v7 as uuidv7 } from 'uuid'
import type { NewRun } from '../../server/ports/create-run.ts'

/** A request to a store to create a run, with the given fields and defaults. */
export function newRun(run: Partial<NewRun> = {}): NewRun {
  return {
    id: uuidv7(),
    principal: { id: 'owner', tenantId: '', kind: 'user' },
    agentKey: 'a',
    conversationId: null,
    newConversation: null,
    insteadOf: null,
    webhooks: [],
    messages: [],
    fileIds: [],
    params: null,
    metadata: {},
    preferences: null,
    maxAttempts: 1,
    timeoutMs: 60_000,
    budget: null,
    idempotencyKey: null,
    fingerprint: null,
    traceparent: null,
    priority: 0,
    runAt: null,
    expiresAt: null,
    conversationPolicy: 'queue',
    isLimited: false,
    maxWaiting: 1_000,
    ...run,
  }
}
