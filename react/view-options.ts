import { replaceEqualDeep } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'

/** Which part of a hook's view a component uses, and how often it renders. */
export interface ViewOptions<TView, TSelected> {
  /**
   * Makes what the hook returns in place of the whole view, like `select` of TanStack Query. New events render the component again only if
   * that has changed. Arrays and objects of data are compared by their contents. Default: the view.
   *
   * @example
   * const status = useAgentRun(runId, { select: (run) => run.status })
   */
  select?: ((view: TView) => TSelected) | undefined
  /** The least number of milliseconds between two renders for new events. Default: 16. */
  throttleMs?: number | undefined
}

/** Selects from a view. Returns the same object as before if its contents have not changed. */
export function useSelected<TView, TSelected>(
  view: TView,
  select: ((view: TView) => TSelected) | undefined,
): TSelected {
  const before = useRef<TSelected | undefined>(undefined)
  // Without `select`, the returned type is the view's.
  const selected =
    // oxlint-disable-next-line react/refs -- It decides only which of two equal objects is returned.
    select === undefined ? (view as unknown as TSelected) : replaceEqualDeep(before.current, select(view))
  useEffect(() => {
    before.current = selected
  })
  return selected
}

/** Whether `select` gives different results for two views. If it throws, the component renders and throws too. */
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
