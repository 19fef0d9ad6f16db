// The least that moving a file costs: as many bytes at the same pace, which are neither parsed nor kept.
import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createPace } from '../../server/concurrency/pace.ts'
import { Config } from '../../server/config/config.ts'

export const FILES = '/api/agents/files/'

const PIECE = Buffer.alloc(256 * 1024, 'x')
const pace = createPace(Config.parse({}).fileBytesPerSecond)
/** Of the last upload. */
let bytes = 0

export async function moveFile(request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (request.method === 'POST') {
    bytes = 0
    for await (const chunk of request as AsyncIterable<Buffer>) {
      await pace(chunk.length)
      bytes += chunk.length
    }
    response.end('{"files":[{"id":"last"}]}')
  } else if (request.method === 'GET') {
    for (let left = bytes; left > 0; left -= PIECE.length) {
      await pace(Math.min(left, PIECE.length))
      if (!response.write(PIECE.subarray(0, left))) await once(response, 'drain')
    }
    response.end()
  } else response.end()
}
