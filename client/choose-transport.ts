import { systemClock } from './clock.ts'
import type { LinkOptions } from './links.ts'
import { prefixOf } from './links.ts'
import { canReadStreams } from './older-runtimes.ts'
import type { SocketSettings } from './socket-settings.ts'
import { DEFAULT_SOCKET_SETTINGS, socketUrl } from './socket-settings.ts'
import { transportOverSockets } from './socket-transport.ts'
import type { RunTransport } from './transport.ts'

export interface TransportOptions extends LinkOptions {
  /**
   * What streams use. Default: `auto`, where all streams share one WebSocket. If there are no WebSockets or none
   * can be opened, each stream has a connection with server-sent events. The same holds if `links`, a `fetch`
   * or an `EventSource` are given, because a WebSocket would bypass them.
   */
  transport?: 'auto' | 'sse' | 'websocket'
  /** Opens sockets. Default: the global one, which Node has from version 22 on. */
  WebSocket?: typeof globalThis.WebSocket
  /** How sockets are waited for, watched and closed. */
  socket?: Partial<SocketSettings>
}

export function chooseTransport(http: RunTransport, options: TransportOptions): RunTransport {
  const { transport = 'auto', WebSocket = globalThis.WebSocket, fetch, EventSource } = options
  if (transport === 'sse') return http
  const url = socketUrl(options.url)
  if (transport === 'auto') {
    if (fetch !== undefined || EventSource !== undefined || options.links !== undefined) return http
    if (typeof WebSocket !== 'function' || url === undefined) return http
  }
  return transportOverSockets({
    ...DEFAULT_SOCKET_SETTINGS,
    ...options.socket,
    WebSocket,
    url: url ?? options.url,
    clock: systemClock,
    headers: options.headers,
    prefix: prefixOf(options.path),
    http,
    fallsBack: transport === 'auto' && canReadStreams(),
  })
}
