// Creates a run with files in one request: a form that has the fields of the JSON body beside the files.
import type { StoredFile } from '../../contract/file.ts'
import { isPlainObject } from '../../contract/json.ts'
import type { FormFields } from '../files/multipart.ts'

/** Fields whose values are plain text. The values of all others are JSON. */
const TEXTS = new Set(
  [
    'agent_key',
    'conversation_id',
    'idempotency_key',
    'run_at',
    'expires_at',
    'conversation_policy',
    'model',
    'replaces',
    'regenerates',
  ].flatMap((name) => [name, name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase())]),
)

/** Makes the JSON body of such a form. The files become parts of the newest user message. */
export function bodyOf(fields: FormFields, files: readonly StoredFile[]): unknown {
  const given = [...fields].map(([name, value]) => [name, TEXTS.has(name) ? value : parse(value)] as const)
  const body: Record<string, unknown> = Object.fromEntries(given)
  if (files.length === 0) return body
  const messages = body['messages'] ?? []
  // Anything but a list is refused later.
  return Array.isArray(messages) ? { ...body, messages: withFiles(messages, files.map(toPart)) } : body
}

/** A value that is not JSON stays text, and is refused later where text is wrong. */
function parse(value: string): unknown {
  try {
    return JSON.parse(value)
  } catch {
    return value
  }
}

function toPart({ id, name }: StoredFile): object {
  return { type: 'file', file: { file_id: id, ...(name !== null && { filename: name }) } }
}

function withFiles(messages: readonly unknown[], parts: readonly object[]): unknown[] {
  const at = messages.findLastIndex((message) => isPlainObject(message) && message['role'] === 'user')
  const asked = messages[at]
  if (!isPlainObject(asked)) return [...messages, { role: 'user', content: parts }]
  const { content } = asked
  return messages.with(at, {
    ...asked,
    content: Array.isArray(content) ? [...content, ...parts] : [...textOf(content), ...parts],
  })
}

function textOf(content: unknown): unknown[] {
  if (content === '' || content === null || content === undefined) return []
  return [{ type: 'text', text: content }]
}
