/** Where callers may have webhooks sent. */
export interface WebhookHosts {
  /** Each is a name, `*.` before a name for all its subdomains, or `*` for all. */
  hosts: readonly string[]
  /** Whether the addresses may be non-public and the URLs `http:`. */
  allowPrivate: boolean
}

export function isAllowedUrl(url: string, { hosts, allowPrivate }: WebhookHosts): boolean {
  const { protocol, hostname } = new URL(url)
  if (protocol !== 'https:' && !allowPrivate) return false
  return hosts.some((host) => {
    if (host === '*') return true
    return host.startsWith('*.') ? hostname.endsWith(host.slice(1)) : hostname === host
  })
}
