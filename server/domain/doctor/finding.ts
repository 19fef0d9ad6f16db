import type { Listed } from '../../ports/examination.ts'

/** `problem`: there is something to do. `note`: worth knowing. `ok`: looked at, and well. */
export type FindingLevel = 'problem' | 'note' | 'ok'

export interface Finding {
  /** Names the check, for machines. */
  check: string
  level: FindingLevel
  /** What was found, in one sentence. */
  found: string
  /** What that means, and what to do. */
  meaning?: string
  remedy?: string
  /** What it is about, a line each, and how many more there are. */
  items?: readonly string[]
  more?: number
}

/** What to say of a list: when it is empty, and when it is not. */
interface Words<T> {
  none: string
  found: string
  meaning: string
  remedy: string
  item(entry: T): string
}

export function report<T>(check: string, list: Listed<T>, { none, item, ...words }: Words<T>): Finding {
  return list.total === 0 ? ok(check, none) : { check, level: 'problem', ...words, ...listed(list, item) }
}

export function listed<T>(
  { total, listed: shown }: Listed<T>,
  item: (entry: T) => string,
): Pick<Finding, 'items' | 'more'> {
  return { items: shown.map(item), more: total - shown.length }
}

export function ok(check: string, found: string): Finding {
  return { check, level: 'ok', found }
}

export function count(total: number, what: string): string {
  return `${total} ${what}${total === 1 ? '' : 's'}`
}
