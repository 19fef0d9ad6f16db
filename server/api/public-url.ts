// The URL that a caller used, if proxies in between report it. It is used in links of the caller's own
// answer, and is compared with the origin. No page can forge it, since a page cannot set these headers.

/** The first value of a header, which the outermost proxy wrote. */
export function outermost(values: string | null | undefined): string | undefined {
  return values?.split(',', 1)[0]?.trim()
}

function forwarded(headers: Headers, name: string): string | undefined {
  return outermost(headers.get(`x-forwarded-${name}`))
}

/** @param hosts hosts of the request, directly or at a proxy. */
export function isOwnOrigin(origin: string, hosts: readonly (string | undefined)[]): boolean {
  const own = URL.parse(origin)?.host ?? ''
  return own !== '' && hosts.some((host) => host?.toLowerCase() === own)
}

export function hostsOf({ url, headers }: Request): (string | undefined)[] {
  return [new URL(url).host, forwarded(headers, 'host')]
}

export function publicUrl({ url, headers }: Request): URL {
  const target = new URL(url)
  const scheme = forwarded(headers, 'proto')
  if (scheme === 'http' || scheme === 'https') target.protocol = scheme
  const host = forwarded(headers, 'host')
  if (host !== undefined && /^[\w.:[\]-]+$/.test(host) && URL.canParse(`http://${host}`)) {
    // Setting a host without a port would keep the old port.
    target.port = ''
    target.host = host
  }
  const prefix = forwarded(headers, 'prefix')
  if (prefix !== undefined && /^(\/[\w.~-]+)+\/?$/.test(prefix)) {
    target.pathname = prefix.replace(/\/$/, '') + target.pathname
  }
  return target
}
