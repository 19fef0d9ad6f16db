import { afterEach, describe, expect, it, vi } from 'vitest'
import { untilOnline } from '../../../client/online.ts'

afterEach(() => vi.unstubAllGlobals())

/** Makes a global that tells when it is online again, as browsers have and Node does not. */
function browser(): EventTarget {
  const target = new EventTarget()
  vi.stubGlobal('addEventListener', target.addEventListener.bind(target))
  vi.stubGlobal('removeEventListener', target.removeEventListener.bind(target))
  return target
}

const forever = (signal: AbortSignal) =>
  new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))

describe('waiting for the network', () => {
  it('ends when the browser is online again', async () => {
    const target = browser()
    const waiting = untilOnline(forever)
    target.dispatchEvent(new Event('online'))
    await expect(waiting).resolves.toBeUndefined()
  })

  it('ends when it is aborted', async () => {
    browser()
    const controller = new AbortController()
    const waiting = untilOnline(forever, controller.signal)
    controller.abort()
    await expect(waiting).resolves.toBeUndefined()
  })

  it('ends by itself, and removes its listener', async () => {
    const target = browser()
    const removed = vi.spyOn(target, 'removeEventListener')
    vi.stubGlobal('removeEventListener', target.removeEventListener.bind(target))
    await untilOnline(async () => {})
    expect(removed).toHaveBeenCalledWith('online', expect.any(Function))
  })

  it('just waits where no global tells of the network', async () => {
    const wait = vi.fn<() => Promise<void>>(async () => {})
    await untilOnline(wait)
    expect(wait).toHaveBeenCalledTimes(1)
  })
})
