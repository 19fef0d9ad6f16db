// Where a caller asked, when proxies stand in between and say so. What they say goes into links of the caller's
// own answer and into a comparison with an origin, which no page can forge: it can't set these headers.

/** The first of a header's values: what the outermost proxy saw. */
export function outermost(values: string | null | undefined): string | undefined {
  return values?.split(',', 1)[0]?.trim()
}

function forwarded(headers: Headers, name: string): string | undefined {
  return outermost(headers.get(`x-forwarded-${name}`))
}

/** @param hosts at which it was asked for, directly or at a proxy. */
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
    // A host without a port would leave the one that is there.
    target.port = ''
    target.host = host
  }
  const prefix = forwarded(headers, 'prefix')
  if (prefix !== undefined && /^(\/[\w.~-]+)+\/?$/.test(prefix)) {
    target.pathname = prefix.replace(/\/$/, '') + target.pathname
  }
  return target
}
