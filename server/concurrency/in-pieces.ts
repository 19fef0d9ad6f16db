/** Cuts bytes into pieces of one size; the last may be shorter. Holds one piece in memory. */
export async function* inPieces(bytes: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Buffer> {
  let piece = Buffer.allocUnsafeSlow(size)
  let filled = 0
  for await (const chunk of bytes) {
    for (let taken = 0; taken < chunk.length;) {
      const part = chunk.subarray(taken, taken + size - filled)
      piece.set(part, filled)
      taken += part.length
      filled += part.length
      if (filled < size) continue
      yield piece
      piece = Buffer.allocUnsafeSlow(size)
      filled = 0
    }
  }
  if (filled > 0) yield piece.subarray(0, filled)
}
