// A run with its files in one request: a form, with the fields of the JSON body beside them.
import type { StoredFile } from '../../contract/file.ts'
import { isPlainObject } from '../../contract/json.ts'
import type { FormFields } from '../files/multipart.ts'

/** Fields whose values are the texts that they are; those of all others are JSON. */
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

/** The body that the same request would have as JSON, with the files as parts of the newest message of the user's. */
export function bodyOf(fields: FormFields, files: readonly StoredFile[]): unknown {
  const given = [...fields].map(([name, value]) => [name, TEXTS.has(name) ? value : parse(value)] as const)
  const body: Record<string, unknown> = Object.fromEntries(given)
  if (files.length === 0) return body
  const messages = body['messages'] ?? []
  // What is no list is refused as it is.
  return Array.isArray(messages) ? { ...body, messages: withFiles(messages, files.map(toPart)) } : body
}

/** What is no JSON is refused as the text that it is, where it has to be something else. */
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
