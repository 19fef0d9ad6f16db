/** What a server knows about a request that the `Request` does not contain. */
export interface Connection {
  /** IP address of the socket that the request came by. */
  readonly remoteAddress?: string | undefined
  /** Closes the connection, for an answer that can't be completed. Without it, the answer's stream ends with an error. */
  readonly breakOff?: (() => void) | undefined
}

/** What only the runtime's own handler for Node's server tells. */
export interface NodeConnection extends Connection {
  /**
   * The request's body, for a reader of many bytes: a `Request` would copy them. Undefined if it was read before. A
   * reader that stops early leaves the connection open.
   */
  readonly readBody?: (() => AsyncIterable<Uint8Array> | undefined) | undefined
}

/** Servers pass different things as the second argument: Next.js the route's parameters, Bun itself. */
export function remoteAddressOf(connection: object | undefined): string | undefined {
  const { remoteAddress } = (connection ?? {}) as { remoteAddress?: unknown }
  return typeof remoteAddress === 'string' ? remoteAddress : undefined
}

export function breakOffOf(connection: object | undefined): (() => void) | undefined {
  const { breakOff } = (connection ?? {}) as { breakOff?: unknown }
  return typeof breakOff === 'function' ? () => void breakOff.call(connection) : undefined
}

export function readBodyOf(connection: object | undefined): NodeConnection['readBody'] {
  const { readBody } = (connection ?? {}) as Pick<NodeConnection, 'readBody'>
  return typeof readBody === 'function' ? () => readBody.call(connection) : undefined
}
