export interface SocketSettings {
  /** Milliseconds in which the server must be heard over a new socket, before it is given up. Default: 3,000. */
  openTimeoutMs: number
  /**
   * Milliseconds in which the first socket must open. After that, four of its streams at most use server-sent events until the socket
   * works. Default: 300.
   */
  headStartMs: number
  /** Milliseconds of silence before the client pings the server, and then again before it gives the socket up. Default: 10,000. */
  keepAliveMs: number
  /** Milliseconds without streams before a socket is closed, because another stream often follows. Default: 500. */
  lingerMs: number
}

export const DEFAULT_SOCKET_SETTINGS: SocketSettings = {
  openTimeoutMs: 3_000,
  headStartMs: 300,
  keepAliveMs: 10_000,
  lingerMs: 500,
}

/** The address of `url` for sockets, seen from this page. Undefined if it has none. */
export function socketUrl(url: string): string | undefined {
  // React Native's URL would add a slash to an absolute address.
  const absolute = /^https?:/i.test(url) ? url : seenFromPage(url)
  return absolute?.replace(/#.*/, '').replace(/^http/i, 'ws')
}

function seenFromPage(url: string): string | undefined {
  if (typeof location === 'undefined') return undefined
  try {
    return new URL(url, location.href).href
  } catch {
    return undefined
  }
}
