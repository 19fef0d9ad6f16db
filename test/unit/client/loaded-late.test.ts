// What a page loads with its first stream, not with the page.
import type { TRPCLink } from '@trpc/client'
import { createTRPCClient, splitLink, TRPCClientError } from '@trpc/client'
import { observable } from '@trpc/server/observable'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { lateLink } from '../../../client/late-link.ts'
import { createLateTransport } from '../../../client/late-transport.ts'
import type { RunTransport } from '../../../client/transport.ts'
import { createTrpcTransport } from '../../../client/trpc-transport.ts'
import type { AgentRouter } from '../../../server/api/router.ts'
import type { AgentRuntimeError } from '../../../server/contract/agent-runtime-error.ts'
import { fakeTransport, RUN_ID, settled } from './fake-transport.ts'

function open(transport: RunTransport) {
  const failures: string[] = []
  const ignore = () => {}
  const observer = { onOpened: ignore, onEvent: ignore, onCompleted: ignore }
  const close = transport.openStream(
    { runId: RUN_ID, lastEventId: 0 },
    { ...observer, onFailed: ({ code }) => failures.push(code) },
  )
  return { close, failures }
}

/** Loads after `failures` tries that fail. */
function loading(failures = 0) {
  const transport = fakeTransport()
  const load = vi.fn<() => Promise<RunTransport>>(async () => {
    if (load.mock.calls.length <= failures) throw new TypeError('Failed to fetch dynamically imported module')
    return transport
  })
  return { transport, load }
}

describe('a transport that is loaded late', () => {
  it('is loaded once, with the first stream or a moment before', async () => {
    const { transport, load } = loading()
    const late = createLateTransport(load, { http: fakeTransport(), fallsBack: true })
    expect(load).not.toHaveBeenCalled()
    late.prepare?.()
    open(late)
    open(late)
    await settled()
    expect(load).toHaveBeenCalledTimes(1)
    expect(transport.streams).toHaveLength(2)
  })

  it('opens nothing for who has left meanwhile, and closes what it has opened', async () => {
    const { transport, load } = loading()
    const late = createLateTransport(load, { http: fakeTransport(), fallsBack: true })
    open(late).close()
    const { close } = open(late)
    await settled()
    close()
    expect(transport.streams.map(({ isClosed }) => isClosed)).toEqual([true])
  })

  it('has streams go over HTTP where it can’t be loaded, and is asked for again by the next', async () => {
    const { transport, load } = loading(2)
    const http = fakeTransport()
    const late = createLateTransport(load, { http, fallsBack: true })
    late.prepare?.()
    await settled()
    open(late)
    await settled()
    expect([http.streams.length, transport.streams.length]).toEqual([1, 0])
    open(late)
    await settled()
    expect([http.streams.length, transport.streams.length]).toEqual([1, 1])
  })

  it('is unavailable where it can’t be loaded and there is no other way', async () => {
    const { load } = loading(1)
    const late = createLateTransport(load, { http: fakeTransport(), fallsBack: false })
    const { failures } = open(late)
    await settled()
    expect(failures).toEqual(['unavailable'])
  })

  it('is not asked for while the browser is offline, which would remember that there was none', async () => {
    const { transport, load } = loading()
    const late = createLateTransport(load, { http: fakeTransport(), fallsBack: false })
    vi.stubGlobal('navigator', { onLine: false })
    try {
      const { failures } = open(late)
      await settled()
      expect([failures, load.mock.calls]).toEqual([['unavailable'], []])
    } finally {
      vi.unstubAllGlobals()
    }
    open(late)
    await settled()
    expect(transport.streams).toHaveLength(1)
  })

  it.each(['localhost', 'chat.localhost', '127.0.0.1', '[::1]'])(
    'is loaded by a page of this machine, %s, which needs no network',
    async (hostname) => {
      const { transport, load } = loading()
      vi.stubGlobal('navigator', { onLine: false })
      vi.stubGlobal('location', { hostname })
      onTestFinished(() => void vi.unstubAllGlobals())
      open(createLateTransport(load, { http: fakeTransport(), fallsBack: false }))
      await settled()
      expect(transport.streams).toHaveLength(1)
    },
  )
})

describe('a link that is loaded late', () => {
  const speaking: TRPCLink<AgentRouter> = () => () =>
    observable((observer) => observer.next({ result: { type: 'started' } }))

  it('fails the subscription for which it can’t be loaded, and is asked for again by the next', async () => {
    const load = vi.fn<() => Promise<TRPCLink<AgentRouter>>>(async () => speaking)
    load.mockRejectedValueOnce(new TypeError('Failed to fetch dynamically imported module'))
    const client = createTRPCClient<AgentRouter>({ links: [lateLink(load)] })
    const firstHeard = () =>
      new Promise<unknown>((resolve) => {
        const handlers = { onStarted: () => resolve('started'), onError: resolve }
        client.runs.events.subscribe({ runId: RUN_ID }, handlers)
      })
    expect(await firstHeard()).toBeInstanceOf(TRPCClientError)
    expect(await firstHeard()).toBe('started')
  })

  it('tells why the stream could not be opened, of a server that answers', async () => {
    const answering: TRPCLink<AgentRouter> = () => () =>
      observable((observer) => {
        observer.next({ result: { type: 'data', data: {} } })
        observer.complete()
      })
    const missing = lateLink(async () => {
      throw new TypeError('Failed to fetch dynamically imported module')
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

  it('is not begun for a subscription that was ended meanwhile', async () => {
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
