import pg from 'pg'
import { onTestFinished, vi } from 'vitest'

/** The statements that this process sends to PostgreSQL from now on, until the test is over. */
export interface RecordedStatements {
  readonly count: number
  /** How many of them have this text. */
  countOf(part: string): number
}

export function recordStatements(): RecordedStatements {
  const texts: string[] = []
  const { query } = pg.Client.prototype
  const spy = vi.spyOn(pg.Client.prototype, 'query').mockImplementation(function (
    this: pg.Client,
    ...args: unknown[]
  ) {
    const [statement] = args
    const isText = typeof statement === 'string'
    texts.push(isText ? statement : String((statement as { text?: unknown }).text))
    return Reflect.apply(query, this, args) as never
  })
  onTestFinished(() => spy.mockRestore())
  return {
    get count() {
      return texts.length
    },
    countOf: (part) => texts.filter((text) => text.includes(part)).length,
  }
}
