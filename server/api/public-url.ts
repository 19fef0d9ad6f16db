// Where a caller asked, when proxies stand in between and say so. What they say goes into links of the caller's
// own answer and into a comparison with an origin, which no page can forge: it can't set these headers.

/** The first of a header's values: what the outermost proxy saw. */
export function forwarded(headers: Headers, name: string): string | undefined {
  return headers.get(`x-forwarded-${name}`)?.split(',', 1)[0]?.trim()
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
