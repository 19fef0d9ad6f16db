import type { CreatedRun, NewRun } from '../create-run.ts'
import type { NewChild, ToldFamilies } from '../family.ts'
import type { Owner } from '../owner.ts'

/** Runs that other runs have started. */
export interface FamilyStore {
  /**
   * Handles the news of these runs, and passes on news they were too busy for. Null: news of any run that nobody
   * handles. When a run is over, its parent continues with the outcome and its children are cancelled. When it was
   * deleted, its children are deleted too. When it waits, the runs above it are told. An end that the conversation is to
   * be told of is left with the parent as an unread message, once both are over.
   */
  tellFamilies(runIds: readonly string[] | null): Promise<ToldFamilies>
  /**
   * Reserves places for runs below this one, beside those of the runs it has `stored`. All runs with the same run at
   * their top share `max` places. Those that an earlier attempt reserved and did not use are used first.
   *
   * @returns how many there are: up to `count`, or more if earlier attempts had reserved more.
   */
  takePlacesBelow(runId: string, places: { stored: number; count: number; max: number }): Promise<number>
  /**
   * Creates a detached child, once for each call of the parent. Fenced by the parent's attempt.
   *
   * @returns the id of this call's child, which an earlier attempt may have created.
   */
  startChild(
    parent: { id: string; attempt: number },
    call: {
      name: string
      occurrence: number
      /** When both are over, the conversation's next run is told of the child's end. */
      onEnd: 'continue' | undefined
    },
    child: NewChild,
  ): Promise<{ runId: string } | 'fenced'>
  /**
   * Creates the next run of a conversation, once for each idempotency key, before those that wait there. It gets the
   * present owner and branch of the run that hands on. Fenced by that run's attempt. A run that is being cancelled
   * hands on nothing.
   */
  handOff(
    from: { id: string; attempt: number; principal: Owner },
    next: NewRun,
    options: { lockPatienceMs: number },
  ): Promise<CreatedRun | 'fenced' | 'cancelled'>
}
