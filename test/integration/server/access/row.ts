import type { Outcome, Outcomes } from './outcomes.ts'
import { LIST_ANY, LIST_TENANT, OWN } from './outcomes.ts'
import { has, outcomeOf } from './scene.ts'
import type { Things } from './scene.ts'

/** A question of the matrix, and its outcome. */
export interface Row<TAsker> {
  /** The procedure's path, or the route's method and path. */
  of: string
  /** The question, if there are several. */
  what?: string
  /** The question changes something, so each caller asks about things of their own. */
  writes?: true
  outcomes: Outcomes
  /** The outcome of a procedure, if it differs. */
  overSocket?: Outcomes
  ask(asker: TAsker, things: Things): Promise<Outcome>
}

type Scope = 'own' | 'tenant' | 'any'

/**
 * A row for each scope of a list.
 *
 * @param find rejects if the list does not have the thing
 */
export function list<TAsker>(
  of: string,
  find: (asker: TAsker, scope: Scope, things: Things) => Promise<void>,
  among: (outcomes: Outcomes) => Outcomes = (outcomes) => outcomes,
): Row<TAsker>[] {
  const outcomes = { own: OWN, tenant: LIST_TENANT, any: LIST_ANY }
  return (['own', 'tenant', 'any'] as const).map((scope) => ({
    of,
    what: `scope ${scope}`,
    outcomes: among(outcomes[scope]),
    ask: (asker, things) => outcomeOf(find(asker, scope, things)),
  }))
}

/** For lists without a filter that could find the thing. */
export async function onAnyPage(
  id: string,
  read: (cursor: string | null) => Promise<[items: { id: string }[], next: string | null]>,
): Promise<void> {
  for (let cursor: string | null = null; ;) {
    const [items, next] = await read(cursor)
    if (next === null || items.some((item) => item.id === id)) return has(items, id)
    cursor = next
  }
}
