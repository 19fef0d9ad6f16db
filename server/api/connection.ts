/** What a server knows of a request that the request itself does not tell. */
export interface Connection {
  /** IP address of the socket that the request came by. */
  readonly remoteAddress?: string | undefined
}

/** Servers hand over what they like as a second argument: Next.js parameters of the route, Bun itself. */
export function remoteAddressOf(connection: object | undefined): string | undefined {
  const { remoteAddress } = (connection ?? {}) as { remoteAddress?: unknown }
  return typeof remoteAddress === 'string' ? remoteAddress : undefined
}
