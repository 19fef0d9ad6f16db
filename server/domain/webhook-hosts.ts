/** Where callers may have webhooks sent. */
export interface WebhookHosts {
  /** Names, `*.` and a name for all below it, or `*`. */
  hosts: readonly string[]
  /** Whether they may be at addresses that are not public, and be asked by `http:`. */
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
