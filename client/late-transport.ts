import { loadedOnce } from './loaded-once.ts'
import { toAgentError } from './to-agent-error.ts'
import type { RunTransport } from './transport.ts'

interface LateTransportOptions {
  /** For everything but streams. */
  http: RunTransport
  /** Whether streams go over `http` where the other one can't be loaded. */
  fallsBack: boolean
}

/** A transport whose code is loaded with the first stream. */
export function createLateTransport(
  load: () => Promise<RunTransport>,
  { http, fallsBack }: LateTransportOptions,
): RunTransport {
  const loaded = loadedOnce(load)
  return {
    getRun: http.getRun,
    // A failure is told when a stream is opened.
    prepare: () => void loaded().catch(() => {}),
    openStream(request, observer) {
      let isLeft = false
      let close = () => {}
      const openOver = (transport: RunTransport) => {
        if (!isLeft) close = transport.openStream(request, observer)
      }
      loaded().then(openOver, (failure: unknown) => {
        if (fallsBack) openOver(http)
        else if (!isLeft) observer.onFailed(toAgentError(failure))
      })
      return () => {
        isLeft = true
        close()
      }
    },
  }
}
