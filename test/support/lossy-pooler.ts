import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'

const NOTIFICATION = 'A'.charCodeAt(0)

export interface LossyPooler extends AsyncDisposable {
  /** URL of the same database, through the pooler. */
  url: string
}

/** A proxy between clients and a PostgreSQL that loses notifications, like a transaction pooler. */
export async function startLossyPooler(databaseUrl: string): Promise<LossyPooler> {
  const target = new URL(databaseUrl)
  const server = createServer((inbound) => {
    const outbound = connect(Number(target.port), target.hostname)
    let pending = Buffer.alloc(0)
    outbound.on('data', (chunk: Buffer) => {
      pending = Buffer.concat([pending, chunk])
      // A message is one byte of type, then four bytes of length, which count themselves.
      while (pending.length >= 5 && pending.length > pending.readUInt32BE(1)) {
        const end = pending.readUInt32BE(1) + 1
        if (pending[0] !== NOTIFICATION) inbound.write(pending.subarray(0, end))
        pending = pending.subarray(end)
      }
    })
    inbound.pipe(outbound)
    inbound.on('error', () => outbound.destroy()).on('close', () => outbound.destroy())
    outbound.on('error', () => inbound.destroy()).on('close', () => inbound.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = new URL(databaseUrl)
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    url: url.href,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => void server.close(() => resolve())),
  }
}
