import { AgentRuntimeError } from '../server/contract/agent-runtime-error.ts'
import type { AnyRunEvent } from '../server/contract/event.ts'
import { onOffline } from './online.ts'
import type { RunTransport, StreamRequest } from './transport.ts'

export type ConnectionSignal =
  | { type: 'opened' }
  | { type: 'event'; event: AnyRunEvent }
  | { type: 'completed' }
  | { type: 'failed'; error: AgentRuntimeError }
  /** The reader fell behind, so later signals were dropped. Read on from the last event. */
  | { type: 'overflowed' }

/** Signals held for a busy reader. Any more are dropped, since the reader can read them again by its cursor. */
const MAX_BUFFERED = 5_000

/**
 * One connection as an iterable that the reader pulls at its own speed. The first pull opens the connection.
 * Leaving the loop, or aborting `signal`, closes it.
 */
export async function* connect(
  transport: RunTransport,
  request: StreamRequest,
  signal?: AbortSignal,
): AsyncGenerator<ConnectionSignal, void, void> {
  if (signal?.aborted) return
  let buffered: ConnectionSignal[] = []
  let wake = () => {}
  let over = false
  let close: (() => void) | undefined
  const put = (heard: ConnectionSignal) => {
    if (over) return
    if (buffered.length >= MAX_BUFFERED) {
      over = true
      close?.()
      heard = { type: 'overflowed' }
    }
    buffered.push(heard)
    wake()
  }
  const end = (heard: ConnectionSignal) => {
    put(heard)
    over = true
  }
  const onAbort = () => {
    over = true
    buffered = []
    close?.()
    wake()
  }
  close = transport.openStream(request, {
    onOpened: () => put({ type: 'opened' }),
    onEvent: (event) => put({ type: 'event', event }),
    onCompleted: () => end({ type: 'completed' }),
    onFailed: (error) => end({ type: 'failed', error }),
  })
  const unlisten = onOffline(() => {
    end({ type: 'failed', error: new AgentRuntimeError('unavailable', 'The browser is offline.') })
    close?.()
  })
  signal?.addEventListener('abort', onAbort)
  try {
    for (;;) {
      const batch = buffered
      buffered = []
      for (const heard of batch) {
        if (signal?.aborted) return
        yield heard
      }
      if (buffered.length > 0) continue
      if (over) return
      await new Promise<void>((resolve) => (wake = resolve))
    }
  } finally {
    signal?.removeEventListener('abort', onAbort)
    unlisten()
    over = true
    close()
  }
}
