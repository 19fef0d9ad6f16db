// The least that a refusal costs: bare node:http that reads a body and answers 400.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { reportReady } from '../driver/server-child.ts'

const ANSWER = JSON.stringify({ error: 'The request is not valid.', code: 'bad_request' })
const HEADERS = { 'content-type': 'application/json', 'content-length': ANSWER.length }

const server = createServer((request, response) => {
  request.resume().once('end', () => response.writeHead(400, HEADERS).end(ANSWER))
}).listen(0, '127.0.0.1', () => {
  reportReady({
    port: (server.address() as AddressInfo).port,
    async stop() {
      server.closeAllConnections()
      server.close()
    },
  })
})
