import { createServer, connect } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

/** A network between a client and a server. It fails when told to. */
export interface CuttingProxy extends AsyncDisposable {
  readonly url: string
  /** Port of the server behind it, on the loopback. It may change, when the server restarts. */
  target: number
  /** Connections made so far. */
  readonly connections: number
  /** Ends every open connection, like a lost network. */
  cut(): void
  /** Ends open connections, and from now on each new one after this many bytes of answer. Null: none. */
  cutAfter(bytes: () => number | null): void
  /** Open connections stay open and transfer nothing more; new ones work. */
  stall(): void
  /** From now on, new connections for a WebSocket below this path transfer nothing. Null: none. */
  stallSockets(path: string | null): void
  /** Refuses new connections until told otherwise. */
  refuse(isRefusing: boolean): void
}

export async function startCuttingProxy(target: number): Promise<CuttingProxy> {
  const pairs = new Set<{ inbound: Socket; outbound: Socket }>()
  let budgetOf: () => number | null = () => null
  let isRefusing = false
  let stalledPath: string | null = null
  let connections = 0

  const server = createServer((inbound) => {
    connections += 1
    inbound.on('error', ignore)
    if (isRefusing) return void inbound.resetAndDestroy()
    const outbound = connect(proxy.target, '127.0.0.1')
    const pair = { inbound, outbound }
    const end = () => {
      pairs.delete(pair)
      inbound.resetAndDestroy()
      outbound.resetAndDestroy()
    }
    pairs.add(pair)
    outbound.on('error', end).on('close', end)
    inbound.on('close', end)
    inbound.once('data', (head: Buffer) => {
      const request = head.toString('latin1')
      const isStalled = stalledPath !== null && request.startsWith(`GET ${stalledPath}`)
      if (isStalled && /^upgrade: websocket\r$/im.test(request)) return void inbound.pause()
      outbound.write(head)
      inbound.pipe(outbound)
    })
    let budget = budgetOf() ?? Number.POSITIVE_INFINITY
    outbound.on('data', (chunk: Buffer) => {
      // A reset would drop bytes that the client has not read. A cut must keep what it has.
      if (chunk.length < budget) inbound.write(chunk)
      else inbound.end(chunk.subarray(0, budget))
      budget -= chunk.length
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))

  const proxy: CuttingProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    target,
    get connections() {
      return connections
    },
    cut() {
      for (const { inbound, outbound } of pairs) {
        inbound.resetAndDestroy()
        outbound.resetAndDestroy()
      }
    },
    cutAfter(bytes) {
      budgetOf = bytes
      proxy.cut()
    },
    stall() {
      for (const { inbound, outbound } of pairs) {
        inbound.unpipe()
        outbound.removeAllListeners('data').pause()
      }
    },
    stallSockets: (path) => void (stalledPath = path),
    refuse: (refusing) => void (isRefusing = refusing),
    async [Symbol.asyncDispose]() {
      proxy.cut()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return proxy
}

// The errors of a broken connection are expected.
const ignore = () => {}
