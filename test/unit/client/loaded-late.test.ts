// What a page loads with its first server-sent events or upload, not with the page.
import type { TRPCLink } from '@trpc/client'
import { createTRPCClient, splitLink, TRPCClientError } from '@trpc/client'
import { observable } from '@trpc/server/observable'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createAgentClient } from '../../../client/create-client.ts'
import { loadedOnce } from '../../../client/late.ts'
import { lateLink } from '../../../client/late-link.ts'
import { createTrpcTransport } from '../../../client/trpc-transport.ts'
import type { AgentRouter } from '../../../server/api/router.ts'
import type { AgentRuntimeError } from '../../../server/contract/agent-runtime-error.ts'
import { fakeClock, RUN_ID, settled } from './fake-transport.ts'

const GONE = () => new TypeError('Failed to fetch dynamically imported module')

describe('code that is loaded once', () => {
  it('is loaded at the first call, and later callers share that load', async () => {
    const load = vi.fn<() => Promise<string>>(async () => 'code')
    const loaded = loadedOnce(load)
    expect(load).not.toHaveBeenCalled()
    expect(await Promise.all([loaded(), loaded()])).toEqual(['code', 'code'])
    expect(await loaded()).toBe('code')
    expect(load).toHaveBeenCalledTimes(1)
  })

  it('is loaded again after a failure, once for all callers that failed', async () => {
    const load = vi.fn<() => Promise<string>>(async () => 'code')
    load.mockRejectedValueOnce(GONE())
    const loaded = loadedOnce(load)
    const again = async () => loaded().catch(loaded)
    expect(await Promise.all([again(), again(), again()])).toEqual(['code', 'code', 'code'])
    expect(load).toHaveBeenCalledTimes(2)
  })

  it('fails after 30 seconds without an answer', async () => {
    const clock = fakeClock()
    const load = vi.fn<() => Promise<string>>(async () => 'code')
    load.mockImplementationOnce(() => new Promise(() => {}))
    const loaded = loadedOnce(load, clock)
    const first = loaded().catch((failure: unknown) => failure)
    await clock.advance(29_999)
    expect(clock.sleeping).toBe(1)
    await clock.advance(1)
    expect(await first).toMatchObject({ code: 'unavailable' })
    expect(await loaded()).toBe('code')
    expect(clock.sleeping).toBe(0)
  })

  it.each(['localhost', 'chat.localhost', '127.0.0.1', '[::1]'])(
    'is loaded offline by a page of this machine, %s, which needs no network',
    async (hostname) => {
      vi.stubGlobal('navigator', { onLine: false })
      vi.stubGlobal('location', { hostname })
      onTestFinished(() => void vi.unstubAllGlobals())
      expect(await loadedOnce(async () => 'code')()).toBe('code')
    },
  )
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

describe('a link that is loaded late', () => {
  const speaking: TRPCLink<AgentRouter> = () => () =>
    observable((observer) => observer.next({ result: { type: 'started' } }))

  it('fails a subscription if its load fails, and is loaded again for the next one', async () => {
    const load = vi.fn<() => Promise<TRPCLink<AgentRouter>>>(async () => speaking)
    load.mockRejectedValueOnce(GONE())
    const client = createTRPCClient<AgentRouter>({ links: [lateLink(load)] })
    const firstHeard = () =>
      new Promise<unknown>((resolve) => {
        const handlers = { onStarted: () => resolve('started'), onError: resolve }
        client.runs.events.subscribe({ runId: RUN_ID }, handlers)
      })
    expect(await firstHeard()).toBeInstanceOf(TRPCClientError)
    expect(await firstHeard()).toBe('started')
  })

  it('reports the failed load as the error of the stream, though the server answers', async () => {
    const answering: TRPCLink<AgentRouter> = () => () =>
      observable((observer) => {
        observer.next({ result: { type: 'data', data: {} } })
        observer.complete()
      })
    const missing = lateLink(async () => {
      throw GONE()
    })
    const link = splitLink({
      condition: ({ type }) => type === 'subscription',
      true: missing,
      false: answering,
    })
    const transport = createTrpcTransport(createTRPCClient<AgentRouter>({ links: [link] }))
    const ignore = () => {}
    const failure = await new Promise<AgentRuntimeError>((onFailed) => {
      const observer = { onOpened: ignore, onEvent: ignore, onCompleted: ignore, onFailed }
      transport.openStream({ runId: RUN_ID, lastEventId: 0 }, observer)
    })
    expect(failure.code).toBe('unavailable')
    expect(failure.message).toContain('dynamically imported module')
  })

  it('opens nothing for a subscription that ended during the load', async () => {
    const begun = vi.fn<() => void>()
    const link: TRPCLink<AgentRouter> = () => () =>
      observable(() => {
        begun()
      })
    const client = createTRPCClient<AgentRouter>({ links: [lateLink(async () => link)] })
    client.runs.events.subscribe({ runId: RUN_ID }, {}).unsubscribe()
    await settled()
    expect(begun).not.toHaveBeenCalled()
  })
})
