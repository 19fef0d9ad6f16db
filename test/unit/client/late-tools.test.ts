// Tools that a page runs, whose code it loads with the first of them.
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createAgentClient } from '../../../client/create-client.ts'
import { createLateTools } from '../../../client/late-tools.ts'
import { DEFAULT_RECONNECT_POLICY } from '../../../client/reconnect.ts'
import { createRunTools } from '../../../client/run-tools.ts'
import type { RunTools } from '../../../client/run-tools.ts'
import { initialRunState } from '../../../client/run-state.ts'
import type { RunStore } from '../../../client/run-store.ts'
import { RUN_ID, settled } from './fake-transport.ts'

/** Waits that take no time, but can be left. */
const clock = {
  now: () => 0,
  sleep: async () => {},
}
const dependencies = { clock, policy: DEFAULT_RECONNECT_POLICY, random: Math.random }

describe('tools whose code is loaded late', () => {
  it('are run once the code can be loaded, as often as it could not be', async () => {
    const run = vi.fn<RunTools>(async () => {})
    const load = vi.fn<() => Promise<RunTools>>(async () => run)
    load.mockRejectedValueOnce(new TypeError('Failed to fetch dynamically imported module'))
    load.mockRejectedValueOnce(new TypeError('Failed to fetch dynamically imported module'))
    const tools = { pick: () => 1 }
    await createLateTools(load, dependencies)(RUN_ID, tools)
    expect(load).toHaveBeenCalledTimes(3)
    expect(run.mock.calls).toEqual([[RUN_ID, tools, {}]])
  })

  it('are not run for a page that left meanwhile', async () => {
    const load = vi.fn<() => Promise<RunTools>>()
    const leaving = new AbortController()
    load.mockImplementation(async () => {
      leaving.abort()
      throw new TypeError('Failed to fetch dynamically imported module')
    })
    await createLateTools(load, dependencies)(RUN_ID, {}, { signal: leaving.signal })
    expect(load).toHaveBeenCalledTimes(1)
  })

  it('reject once it was tried as often as streams are', async () => {
    const load = async () => Promise.reject(new TypeError('Failed to fetch dynamically imported module'))
    const policy = { ...DEFAULT_RECONNECT_POLICY, maxFailures: 2 }
    const running = createLateTools(load, { ...dependencies, policy })(RUN_ID, {})
    await expect(running).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('begin no call that is open for a page that left while the code was loaded', async () => {
    const details = { tool: 'pick', toolCallId: 'a', arguments: {} }
    const wait = { name: 'tool:pick', kind: 'input', details }
    const snapshot = { ...initialRunState(), status: 'waiting', waits: [wait], isActive: true, error: null }
    const getRun = vi.fn<() => Promise<never>>(() => new Promise<never>(() => {}))
    const store = () => ({ getSnapshot: () => snapshot, subscribe: () => () => {} }) as unknown as RunStore
    const runTools = createRunTools({ clock, store, getRun, respond: async () => {} })
    await runTools(RUN_ID, { pick: () => 1 }, { signal: AbortSignal.abort() })
    expect(getRun).not.toHaveBeenCalled()
  })
})

it('a page that is offline loads nothing for its first upload, and uploads once it is online', async () => {
  const fetch = vi.fn<typeof globalThis.fetch>(async () => Response.json({ files: [{ id: 'a' }] }))
  const { files } = createAgentClient({ url: 'http://127.0.0.1:9/trpc', fetch })
  vi.stubGlobal('navigator', { onLine: false })
  onTestFinished(() => void vi.unstubAllGlobals())
  await expect(files.upload(new Blob(['a']))).rejects.toMatchObject({ code: 'unavailable' })
  await settled()
  expect(fetch).not.toHaveBeenCalled()
  vi.unstubAllGlobals()
  expect(await files.upload(new Blob(['a']))).toEqual({ id: 'a' })
})

it('a page that is offline while it begins to run tools waits for the network, as for a lost stream', async () => {
  const client = createAgentClient({ url: 'http://127.0.0.1:9/trpc' })
  vi.stubGlobal('navigator', { onLine: false })
  onTestFinished(() => void vi.unstubAllGlobals())
  const leaving = new AbortController()
  const ended = vi.fn<(how: unknown) => void>()
  const running = client.runs.runTools(RUN_ID, { pick: () => 1 }, { signal: leaving.signal })
  void running.then(ended, ended)
  await settled()
  expect(ended).not.toHaveBeenCalled()
  leaving.abort()
  await running
})
