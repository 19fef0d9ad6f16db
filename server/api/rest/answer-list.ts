import type { Context } from 'hono'
import type { z } from 'zod'
import type { Page } from '../../contract/page.ts'
import { answerJson } from '../answer.ts'
import { pageUrl } from './read-request.ts'
import { toRestPage } from './wire/page.ts'

interface Listing<T, R> {
  /** The parameters of the URL that links to other pages keep. */
  query: z.ZodObject
  toRest(item: T): R
}

/** Makes the answer for a page of a list. */
export type AnswerList = <T, R>(c: Context, page: Page<T>, listing: Listing<T, R>) => Response

/**
 * The form of lists: an object with the items in `results`, or, for clients that know no pages, only the
 * items, with links and count in headers.
 */
export function createAnswerList(form: 'envelope' | 'array'): AnswerList {
  return (c, page, { query, toRest }) => {
    const body = toRestPage(page, { url: pageUrl(c, query), toRest })
    if (form === 'envelope') return answerJson(body)
    const links = { next: body.next, prev: body.previous }
    const link = Object.entries(links).flatMap(([rel, url]) =>
      url === null ? [] : [`<${url}>; rel="${rel}"`],
    )
    return answerJson(body.results, 200, {
      'x-total-count': String(body.count),
      ...(link.length > 0 && { link: link.join(', ') }),
    })
  }
}
