import { createHash } from 'node:crypto'
import { canonicalJson } from '../contract/canonical-json.ts'
import type { Json } from '../contract/json.ts'
import type { NewRun } from '../ports/create-run.ts'

/** A hash of the request. It tells whether an idempotency key is used again for the same request. */
export function fingerprintOf(
  run: Pick<NewRun, 'agentKey' | 'messages' | 'params'> & {
    /** As the request names it. */
    conversation: Json
  },
): string {
  const { agentKey, conversation, messages, params } = run
  // In their stored form, since messages may have keys whose value is undefined.
  const request = JSON.parse(JSON.stringify([agentKey, conversation, messages, params])) as Json
  return createHash('sha256').update(canonicalJson(request)).digest('base64url')
}
