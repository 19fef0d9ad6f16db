import { z } from 'zod'
import type { Page } from '../../../contract/page.ts'
import { answerSchema } from './named.ts'

/** A list in an answer. */
export interface RestPage<T> {
  results: T[]
  next: string | null
  previous: string | null
  count: number
}

const Link = z.string().nullable().meta({ format: 'uri' })

/** @param id its name in the OpenAPI document */
export function pageOf<T extends z.ZodType>(id: string, item: T) {
  return answerSchema(
    id,
    z.object({
      results: z.array(item),
      next: Link.describe('Towards older items; for events, towards newer ones. Null at the end.'),
      previous: Link,
      count: z.int().describe('How many items there are, over all pages.'),
    }),
  )
}

/** @param url the URL of links to other pages, without the cursor. */
export function toRestPage<T, R>(
  page: Page<T>,
  { url, toRest }: { url: URL; toRest: (item: T) => R },
): RestPage<R> {
  const link = (cursor: string | null) => {
    if (cursor === null) return null
    const target = new URL(url)
    target.searchParams.set('cursor', cursor)
    return target.href
  }
  return {
    results: page.items.map(toRest),
    next: link(page.nextCursor),
    previous: link(page.previousCursor),
    count: page.count,
  }
}
