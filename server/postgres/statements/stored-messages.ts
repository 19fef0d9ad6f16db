import { Message } from '../../contract/message.ts'
import type { StoredMessage } from '../../contract/message.ts'

/** Where output positions begin: after any input, since the worker does not know how much input there is. */
export const FIRST_OUTPUT_POSITION = 1_000_000

/** SQL for the id of a message: that of its events, or one made from its run and position. */
export const messageId = (message: string): string =>
  `COALESCE(${message}.id, ${message}.run_id || ':' || ${message}.position)`

export interface StoredRow {
  id: string
  runId: string
  createdAt: string
  isIncomplete: boolean
  body: unknown
}

const SELECTED = (message: string): Record<keyof StoredRow, string> => ({
  id: messageId(message),
  runId: `${message}.run_id`,
  createdAt: `${message}.created_at`,
  isIncomplete: `${message}.origin = 'incomplete'`,
  body: `${message}.body`,
})

/** SQL for a {@link StoredRow} in JSON. */
export const storedJson = (message: string): string =>
  `json_build_object(${Object.entries(SELECTED(message))
    .map(([field, expression]) => `'${field}', ${expression}`)
    .join(', ')})`

export function toStoredMessage({ id, runId, createdAt, isIncomplete, body }: StoredRow): StoredMessage {
  return {
    ...Message.parse(body),
    id,
    runId,
    createdAt: new Date(createdAt).toISOString(),
    ...(isIncomplete && { incomplete: true }),
  }
}

/** SQL condition: this is the message that {@link placeIn} names, as the parameters from `first` on. */
export const isMessage = (message: string, first: number): string =>
  `(${message}.id = $${first} OR ${message}.id IS NULL
        AND ${message}.run_id = $${first + 1}::uuid AND ${message}.position = $${first + 2}::int)`

const BY_PLACE = /^([\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}):(-?\d{1,7})$/

/** A message's id, and the run and position if the id was made from them. */
export function placeIn(id: string): [id: string, runId: string | null, position: string | null] {
  const [, runId = null, position = null] = BY_PLACE.exec(id) ?? []
  return [id, runId, position]
}
