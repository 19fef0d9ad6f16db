import type { Listed } from '../../ports/examination.ts'

/** `problem`: needs action. `note`: worth knowing. `ok`: checked and fine. */
export type FindingLevel = 'problem' | 'note' | 'ok'

export interface Finding {
  /** Names the check, for machines. */
  check: string
  level: FindingLevel
  /** What was found, in one sentence. */
  found: string
  /** What the finding means, and what to do about it. */
  meaning?: string
  remedy?: string
  /** The things found, one line each. `more` counts those that are not listed. */
  items?: readonly string[]
  more?: number
}

/** The texts for a list: `none` when it is empty, the others when it is not. */
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
