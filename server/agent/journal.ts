// Where adapters of frameworks keep a run's state: entries beside its steps, which go with the run.
import type { Json } from '../contract/json.ts'

/** Ends the names of journals among those of steps. No step has such a name. */
export const JOURNAL = '#journal'

export interface JournalEntry {
  /** Its place in the journal, from 1. */
  place: number
  value: Json
}

export interface Journal {
  /** No other journal's of the run, and the same in each attempt. */
  readonly name: string
  /** What earlier attempts wrote, in the order of their places. A place whose write was lost is left out. */
  read(): Promise<JournalEntry[]>
  /**
   * Stores an entry, in place of what is there.
   *
   * @param messageIds messages that no later attempt says again, since the entry has what they say. They stay when this attempt fails.
   * @throws NonRetriableError when JSON can't hold it, or the journal is too large.
   */
  write(entry: { place: number; value: unknown }, messageIds?: readonly string[]): Promise<void>
}

type OpenJournal = (kind: string) => Journal

/** A property that no copy has, in place of a weak map, whose entries are costly to collect: each attempt would leave one. */
const OPEN = Symbol('open journal')

/** Lets adapters that are given a context keep journals. */
export function letKeepJournals<T extends object>(ctx: T, open: OpenJournal): T {
  return Object.defineProperty(ctx, OPEN, { value: open })
}

/**
 * Opens the next journal of a kind. Call it before any `await`: journals are told apart by their order, as steps are.
 *
 * @throws TypeError when the context is not one that the runtime made.
 */
export function journalOf(ctx: object, kind: string): Journal {
  const open = (ctx as { [OPEN]?: OpenJournal })[OPEN]
  if (open === undefined)
    throw new TypeError('Hand on the context as the agent was given it, and no copy of it.')
  return open(kind)
}
