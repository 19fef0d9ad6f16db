import type { Readable } from 'node:stream'
import { ProtocolError } from './protocol.ts'

const NEWLINE = 10

/**
 * The lines of a stream, of at most `maxBytes` each. Nothing is read while the last line is worked on, so that its writer is held up.
 *
 * @param onLong what becomes of a longer line: `cut`, the rest of it is left out, or `refuse`.
 * @throws ProtocolError for a line that is refused.
 */
export async function* readLines(
  stream: Readable,
  { maxBytes, onLong }: { maxBytes: number; onLong: 'cut' | 'refuse' },
): AsyncGenerator<string> {
  let held: Buffer[] = []
  let size = 0
  const hold = (piece: Buffer) => {
    if (size + piece.length > maxBytes && onLong === 'refuse') {
      throw new ProtocolError(`a line of more than ${maxBytes} bytes`)
    }
    const kept = piece.subarray(0, Math.max(0, maxBytes - size))
    if (kept.length > 0) held.push(kept)
    size += piece.length
  }
  const take = (): string => {
    const line = Buffer.concat(held).toString('utf8')
    held = []
    size = 0
    return line.endsWith('\r') ? line.slice(0, -1) : line
  }
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    let from = 0
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, from)) {
      hold(chunk.subarray(from, at))
      from = at + 1
      yield take()
    }
    if (from < chunk.length) hold(chunk.subarray(from))
  }
  if (size > 0) yield take()
}
