// Format: RFC 6455, section 5.2. A server sends a text message in one frame, not masked. These frames are not
// written by `ws`, which makes two writes for each message: a batch of events has many messages and must be
// one write.

const TEXT = 0x81
/** The length is in the second byte, or in two or eight bytes after it. */
const SHORT = 126
const LONG = 65_536

/** A message as the bytes that go to the connection. */
export const toFrame = (text: string): Buffer => toFrames('', [text])

/** Messages with the same beginning, one for each rest, as one piece. */
export function toFrames(head: string, rests: readonly string[]): Buffer {
  const start = Buffer.byteLength(head)
  const lengths = rests.map((rest) => start + Buffer.byteLength(rest))
  const frames = Buffer.allocUnsafe(lengths.reduce((sum, length) => sum + headerLength(length) + length, 0))
  let offset = 0
  for (const [index, rest] of rests.entries()) {
    offset = writeHeader(frames, offset, lengths[index] ?? 0)
    offset += frames.write(head + rest, offset)
  }
  return frames
}

function headerLength(bytes: number): number {
  if (bytes < SHORT) return 2
  return bytes < LONG ? 4 : 10
}

/** @returns the offset at which the message itself begins. */
function writeHeader(frame: Buffer, offset: number, bytes: number): number {
  frame[offset] = TEXT
  if (bytes < SHORT) return frame.writeUInt8(bytes, offset + 1)
  if (bytes < LONG) {
    frame[offset + 1] = SHORT
    return frame.writeUInt16BE(bytes, offset + 2)
  }
  frame[offset + 1] = SHORT + 1
  return frame.writeBigUInt64BE(BigInt(bytes), offset + 2)
}
