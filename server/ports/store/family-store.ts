import type { CreatedRun, NewRun } from '../create-run.ts'
import type { NewChild, ToldFamilies } from '../family.ts'
import type { Owner } from '../owner.ts'

/** Runs that other runs have started. */
export interface FamilyStore {
  /**
   * Does what there is to do because these runs are over, deleted, or wait for something, and tells them what they were too busy for; null: any that nobody has taken up. The
   * parent of one that is over goes on with its outcome, its children are cancelled, and go with it when it was deleted. What it waits for is told
   * the runs above it.
   */
  tellFamilies(runIds: readonly string[] | null): Promise<ToldFamilies>
  /**
   * Takes places for runs below this one, of those that all have who have the same run at their top.
   *
   * @returns how many: those that are left of `max`, up to `count`.
   */
  takePlacesBelow(runId: string, places: { count: number; max: number }): Promise<number>
  /**
   * Creates a detached child, once for each call of the parent. Fenced by the parent's attempt.
   *
   * @returns the id of the child of this call, whichever attempt has created it.
   */
  startChild(
    parent: { id: string; attempt: number },
    call: { name: string; occurrence: number },
    child: NewChild,
  ): Promise<{ runId: string } | 'fenced'>
  /**
   * Creates the next run of a conversation, once for each key, before those that wait there: of the owner and on the branch that the run
   * has by now that hands on. Fenced by that one's attempt; nothing follows on one that is being cancelled.
   */
  handOff(
    from: { id: string; attempt: number; principal: Owner },
    next: NewRun,
    options: { lockPatienceMs: number },
  ): Promise<CreatedRun | 'fenced' | 'cancelled'>
}
