import { systemClock } from './clock.ts'
import type { LinkOptions } from './links.ts'
import { prefixOf } from './links.ts'
import { canReadStreams } from './older-runtimes.ts'
import { createSocketTransport } from './socket-transport.ts'
import type { SocketSettings } from './sockets.ts'
import { createSockets, DEFAULT_SOCKET_SETTINGS, socketUrl } from './sockets.ts'
import type { RunTransport } from './transport.ts'

export interface TransportOptions extends LinkOptions {
  /**
   * What streams go over. `auto`, the default: all over one WebSocket, or over server-sent events, one
   * connection each, where there are none, where it can't be opened, and where `links`, a `fetch` or an
   * `EventSource` are given, which a WebSocket would bypass.
   */
  transport?: 'auto' | 'sse' | 'websocket'
  /** Opens sockets instead of the global one, which Node has from 22 on. */
  WebSocket?: typeof globalThis.WebSocket
  /** How sockets are waited for, watched and closed. */
  socket?: Partial<SocketSettings>
}

/** @throws TypeError when sockets are demanded and impossible. */
export function chooseTransport(http: RunTransport, options: TransportOptions): RunTransport {
  const { transport = 'auto', WebSocket = globalThis.WebSocket, fetch, EventSource } = options
  if (transport === 'sse') return http
  const url = socketUrl(options.url)
  if (transport === 'auto') {
    if (fetch !== undefined || EventSource !== undefined || options.links !== undefined) return http
    if (typeof WebSocket !== 'function' || url === undefined) return http
  } else if (typeof WebSocket !== 'function') {
    throw new TypeError('There is no WebSocket here: pass one as the option WebSocket.')
  }
  const settings = { ...DEFAULT_SOCKET_SETTINGS, ...options.socket }
  return createSocketTransport({
    sockets: createSockets({ WebSocket, url: url ?? options.url, clock: systemClock, ...settings }),
    clock: systemClock,
    headStartMs: settings.headStartMs,
    headers: options.headers,
    prefix: prefixOf(options.path),
    http,
    fallsBack: transport === 'auto' && canReadStreams(),
  })
}
