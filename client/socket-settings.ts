export interface SocketSettings {
  /** Milliseconds a socket may take, until the server is heard over it, before it is given up. Default: 3,000. */
  openTimeoutMs: number
  /**
   * Milliseconds the first socket gets before its streams, four at most, go over server-sent events meanwhile. They move to the socket once it
   * works. Default: 300.
   */
  headStartMs: number
  /** Milliseconds of silence before the server is asked for a sign of life, and then before it is given up. Default: 10,000. */
  keepAliveMs: number
  /** Milliseconds without streams before a socket is closed: the next one often follows. Default: 500. */
  lingerMs: number
}

export const DEFAULT_SOCKET_SETTINGS: SocketSettings = {
  openTimeoutMs: 3_000,
  headStartMs: 300,
  keepAliveMs: 10_000,
  lingerMs: 500,
}

/** The address of `url` for sockets, seen from this page; undefined where there is none. */
export function socketUrl(url: string): string | undefined {
  // React Native's URL would add a slash to one that needs no base.
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
