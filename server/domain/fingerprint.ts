import { createHash } from 'node:crypto'
import { canonicalJson } from '../contract/canonical-json.ts'
import type { StoredFile } from '../contract/file.ts'
import type { Json } from '../contract/json.ts'
import { WebhookEvent } from '../contract/webhook.ts'
import type { NewRun } from '../ports/create-run.ts'

/** Replaces file ids by the files' hashes: a client that repeats a request may have uploaded the files again. */
export function withContents(messages: NewRun['messages'], files: readonly StoredFile[]): NewRun['messages'] {
  if (files.length === 0) return messages
  const hashes = new Map(files.map(({ id, sha256 }) => [id, sha256]))
  return messages.map((message) => {
    if (!Array.isArray(message.content)) return message
    const content = message.content.map((part) => {
      const sha256 = part.type === 'file' ? hashes.get(part.fileId?.toLowerCase() ?? '') : undefined
      return sha256 === undefined ? part : { ...part, fileId: sha256 }
    })
    return { ...message, content } as typeof message
  })
}

/** A hash of the request, to check that an idempotency key is reused for the same request. */
export function fingerprintOf(
  run: Pick<NewRun, 'agentKey' | 'messages' | 'params'> & {
    /** The conversation as the request names it. */
    conversation: Json
    insteadOf: NewRun['insteadOf']
    webhooks: NewRun['webhooks']
  },
): string {
  const { agentKey, conversation, messages, params, insteadOf, webhooks } = run
  // Hash the stored form: messages may have keys whose value is undefined.
  const asked = [
    ...[agentKey, conversation, messages, params],
    ...(insteadOf === null ? [] : [insteadOf]),
    ...(webhooks.length === 0 ? [] : [toldOf(webhooks)]),
  ]
  const request = JSON.parse(JSON.stringify(asked)) as Json
  return createHash('sha256').update(canonicalJson(request)).digest('base64url')
}

/** Sorted, since their order means nothing, and without secrets, which may have been replaced meanwhile. */
function toldOf(webhooks: NewRun['webhooks']): Json {
  const told = webhooks.map(({ url, events = WebhookEvent.options }) => [url, ...new Set(events)].toSorted())
  return told.toSorted((one, other) => (one.join(' ') < other.join(' ') ? -1 : 1))
}
