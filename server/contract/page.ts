import { z } from 'zod'
import { AgentRuntimeError } from './agent-runtime-error.ts'

/** A page of a list, newest first. Pass one of its cursors back as `cursor` to continue there. */
export interface Page<T> {
  items: T[]
  /** Towards older items; null at the end. */
  nextCursor: string | null
  /** Towards newer items; null at the beginning. */
  previousCursor: string | null
  /** Items in the whole list, over all pages. */
  count: number
}

export const wholeNumber = (name: string) => ({
  error: ({ code }: { code: string }) => (code === 'invalid_type' ? `${name} is a whole number` : undefined),
})

/** The most items of a page: a list's bound, and its default. */
export const pageLimit = (max: number, usual: number) =>
  z.int(wholeNumber('limit')).min(1).max(max).default(usual)

/** Where a page begins: before (older than) or after (newer than) the item of that id. */
export type PageCursor = z.infer<typeof PageCursor>
export const PageCursor = z.object({ direction: z.enum(['before', 'after']), id: z.uuid() })

/** `before.<uuid>` or `after.<uuid>`. It is readable, so that a log line shows the request. */
export function encodeCursor(cursor: PageCursor): string {
  return `${cursor.direction}.${cursor.id}`
}

/** @throws AgentRuntimeError `bad_request` when the text is not a cursor of this API. */
export function decodeCursor(text: string): PageCursor {
  const [direction, id, ...rest] = text.split('.')
  const parsed = PageCursor.safeParse(rest.length === 0 ? { direction, id } : undefined)
  if (parsed.success) return parsed.data
  throw new AgentRuntimeError('bad_request', 'The cursor is not one this API handed out.', {
    details: { cursor: text.slice(0, 100) },
  })
}
