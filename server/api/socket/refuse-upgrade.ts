import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { AgentRuntimeError } from '../../contract/agent-runtime-error.ts'
import { retryAfterOf } from '../answer.ts'

/** Answers a request to open a WebSocket like an ordinary HTTP request. */
export function refuseUpgrade(socket: Duplex, error: AgentRuntimeError): void {
  const body = JSON.stringify(error.toBody())
  // Nothing else listens on the socket any more, and an error without a listener ends the process.
  socket.on('error', () => socket.destroy())
  socket.once('finish', () => socket.destroy())
  socket.end(
    [
      `HTTP/1.1 ${error.status} ${STATUS_CODES[error.status]}`,
      'Connection: close',
      'Content-Type: application/json',
      `Content-Length: ${Buffer.byteLength(body)}`,
      ...Object.entries(retryAfterOf([error])).map(([name, value]) => `${name}: ${value}`),
      '',
      body,
    ].join('\r\n'),
  )
}
