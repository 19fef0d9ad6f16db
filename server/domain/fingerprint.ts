import { createHash } from 'node:crypto'
import { canonicalJson } from '../contract/canonical-json.ts'
import type { Json } from '../contract/json.ts'
import type { NewRun } from '../ports/create-run.ts'

/** A hash of the request, which tells whether a key that is used again is used for the same request. */
export function fingerprintOf(
  run: Pick<NewRun, 'agentKey' | 'messages' | 'params'> & {
    /** As the request names it. */
    conversation: Json
  },
): string {
  const { agentKey, conversation, messages, params } = run
  // As they will be read back: messages may have keys without a value.
  const request = JSON.parse(JSON.stringify([agentKey, conversation, messages, params])) as Json
  return createHash('sha256').update(canonicalJson(request)).digest('base64url')
}
