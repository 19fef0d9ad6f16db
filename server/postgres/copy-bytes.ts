// Reads bytes in binary form. A `bytea` in a normal result comes as text, which takes twice the space and much more
// work on both ends.
import pg from 'pg'

/** A query that keeps the data that a COPY sends. */
class CopyOut extends pg.Query {
  readonly chunks: Buffer[] = []

  handleCopyData({ chunk }: { chunk: Buffer }): void {
    // Copy the chunk, since the connection reuses its memory.
    this.chunks.push(Buffer.from(chunk))
  }
}

/**
 * @param select a SELECT of one column of type `bytea` and at most one row. Its values must be part of the text, since
 * COPY has no parameters.
 * @returns undefined when there is no row
 */
export async function copyBytes(client: pg.PoolClient, select: string): Promise<Buffer | undefined> {
  const text = `COPY (${select}) TO STDOUT (FORMAT binary)`
  const chunks = await new Promise<Buffer[]>((resolve, reject) => {
    const copy = new CopyOut(text, (error: Error | null | undefined) => {
      if (error) reject(error)
      else resolve(copy.chunks)
    })
    client.query(copy)
  })
  return bytesOf(Buffer.concat(chunks))
}

const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1')
const FLAGS_BYTES = 4
const LENGTH_BYTES = 4
const COUNT_BYTES = 2

/**
 * Reads the binary format (https://www.postgresql.org/docs/current/sql-copy.html): a header, then the field count and
 * the fields of each row, then -1.
 */
function bytesOf(copied: Buffer): Buffer | undefined {
  if (!copied.subarray(0, SIGNATURE.length).equals(SIGNATURE)) throw new Error('COPY sent no binary data.')
  const extensionAt = SIGNATURE.length + FLAGS_BYTES
  const rowAt = extensionAt + LENGTH_BYTES + copied.readInt32BE(extensionAt)
  if (copied.readInt16BE(rowAt) === -1) return undefined
  const lengthAt = rowAt + COUNT_BYTES
  const start = lengthAt + LENGTH_BYTES
  return copied.subarray(start, start + copied.readInt32BE(lengthAt))
}
