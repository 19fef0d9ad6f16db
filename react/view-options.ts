import { replaceEqualDeep } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'

/** What a component takes of a hook's view, and how often it hears of it. */
export interface ViewOptions<TView, TSelected> {
  /**
   * What the hook hands back in place of the whole view, as `select` of TanStack Query does. What streams in renders the component again only
   * where that has changed; arrays and objects of data are compared by what is in them. Default: the view.
   *
   * @example
   * const status = useAgentRun(runId, { select: (run) => run.status })
   */
  select?: ((view: TView) => TSelected) | undefined
  /** Milliseconds, at least, between two renders for what streams in. Default: 16. */
  throttleMs?: number | undefined
}

/** What is selected of a view: the same object as before where it has changed in nothing. */
export function useSelected<TView, TSelected>(
  view: TView,
  select: ((view: TView) => TSelected) | undefined,
): TSelected {
  const before = useRef<TSelected | undefined>(undefined)
  // Without a function the type that is handed back is the view's.
  const selected =
    // oxlint-disable-next-line react/refs -- It decides which of two equal objects is handed back, nothing that shows.
    select === undefined ? (view as unknown as TSelected) : replaceEqualDeep(before.current, select(view))
  useEffect(() => {
    before.current = selected
  })
  return selected
}

/** Whether `select` makes something else of one view than of the other. Where it fails, the component is to hear of that. */
export function isOtherwise<TView>(
  select: ((view: TView) => unknown) | undefined,
  one: () => TView,
  other: () => TView,
): boolean {
  if (select === undefined) return true
  try {
    const selected = select(one())
    return replaceEqualDeep(selected, select(other())) !== selected
  } catch {
    return true
  }
}
