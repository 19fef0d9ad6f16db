import { createSocket } from 'node:dgram'
import dns from 'node:dns'
import { once } from 'node:events'

/** The question of a request: a name (each part after its length), a type and a class. */
function questionOf(request: Buffer): { name: string; type: number; bytes: Buffer } {
  const parts: string[] = []
  let at = 12
  for (let length = request[at] ?? 0; length > 0; length = request[at] ?? 0) {
    parts.push(request.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: parts.join('.'), type: request.readUInt16BE(at + 1), bytes: request.subarray(12, at + 5) }
}

/**
 * The name server of this process. It answers with the given IPv4 addresses, and does not answer for other
 * names.
 */
export async function startNameServer(addresses: Record<string, string> = {}) {
  const asked = new Set<string>()
  const socket = createSocket('udp4')
  socket.on('message', (request, { port, address: from }) => {
    const { name, type, bytes } = questionOf(request)
    asked.add(name)
    const address = addresses[name]
    if (address === undefined) return
    const answers = type === 1 ? 1 : 0
    const head = Buffer.from([request[0] ?? 0, request[1] ?? 0, 0x81, 0x80, 0, 1, 0, answers, 0, 0, 0, 0])
    const answer = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, ...address.split('.').map(Number)]
    socket.send(Buffer.concat([head, bytes, Buffer.from(answers === 1 ? answer : [])]), port, from)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const before = dns.getServers()
  dns.setServers([`127.0.0.1:${socket.address().port}`])
  return {
    asked: asked as ReadonlySet<string>,
    async [Symbol.asyncDispose]() {
      dns.setServers(before)
      await new Promise<void>((resolve) => socket.close(resolve))
    },
  }
}
