// A component that takes a part of a store.
import './dom.ts'
import { render } from '@testing-library/react'
import { useLayoutEffect } from 'react'
import { expect, it } from 'vitest'
import { useSnapshot } from '../../../react/use-snapshot.ts'

interface Snapshot {
  status: string
  text: string
}

function createStore(snapshot: Snapshot) {
  const listeners = new Set<() => void>()
  return {
    getSnapshot: () => snapshot,
    subscribe(listener: () => void) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    tell(next: Snapshot) {
      snapshot = next
      for (const listener of listeners) listener()
    },
  }
}

it('misses nothing that the store tells while it begins to take another part', () => {
  const store = createStore({ status: 'running', text: 'a' })
  function Part({ field }: { field: keyof Snapshot }) {
    const snapshot = useSnapshot(store, store.getSnapshot, {
      throttleMs: undefined,
      isNews: (before, after) => before[field] !== after[field],
    })
    // After the page shows it, and before the hook's own effects.
    useLayoutEffect(() => {
      if (field === 'text' && store.getSnapshot().text === 'a') store.tell({ status: 'running', text: 'ab' })
    }, [field])
    return snapshot[field]
  }
  const { container, rerender } = render(<Part field="status" />)
  rerender(<Part field="text" />)
  expect(container.textContent).toBe('ab')
})
