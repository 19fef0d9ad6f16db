/** What a server knows about a request that the `Request` does not contain. */
export interface Connection {
  /** IP address of the socket that the request came by. */
  readonly remoteAddress?: string | undefined
}

/** Servers pass different things as the second argument: Next.js the route's parameters, Bun itself. */
export function remoteAddressOf(connection: object | undefined): string | undefined {
  const { remoteAddress } = (connection ?? {}) as { remoteAddress?: unknown }
  return typeof remoteAddress === 'string' ? remoteAddress : undefined
}
