import { expect, it, vi } from 'vitest'
import { createRunTools } from '../../../client/run-tools.ts'
import { initialRunState } from '../../../client/run-state.ts'
import type { RunStore } from '../../../client/run-store.ts'
import { RUN_ID } from './fake-transport.ts'

/** A clock whose waits take no time. */
const clock = {
  now: () => 0,
  sleep: async () => {},
}

it('no open call begins for a page that left while the code was loaded', async () => {
  const details = { tool: 'pick', toolCallId: 'a', arguments: {} }
  const wait = { name: 'tool:pick', kind: 'input', details }
  const snapshot = { ...initialRunState(), status: 'waiting', waits: [wait], isActive: true, error: null }
  const getRun = vi.fn<() => Promise<never>>(() => new Promise<never>(() => {}))
  const store = () => ({ getSnapshot: () => snapshot, subscribe: () => () => {} }) as unknown as RunStore
  const runTools = createRunTools({ clock, store, getRun, respond: async () => {} })
  await runTools(RUN_ID, { pick: () => 1 }, { signal: AbortSignal.abort() })
  expect(getRun).not.toHaveBeenCalled()
})
