// Reads bytes as they are. A result of `bytea` comes as text, which takes twice the room and many times the work on both ends.
import pg from 'pg'

/** A query that keeps what a COPY sends. */
class CopyOut extends pg.Query {
  readonly chunks: Buffer[] = []

  handleCopyData({ chunk }: { chunk: Buffer }): void {
    // The connection goes on to use the memory that it is in.
    this.chunks.push(Buffer.from(chunk))
  }
}

/**
 * @param select a SELECT of one column of type `bytea` and at most one row. Its values are part of it, since COPY has no
 * parameters.
 * @returns undefined where there is no row.
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

/** https://www.postgresql.org/docs/current/sql-copy.html: a header, for each row a count and the fields, and -1. */
function bytesOf(copied: Buffer): Buffer | undefined {
  if (!copied.subarray(0, SIGNATURE.length).equals(SIGNATURE)) throw new Error('COPY sent no binary data.')
  const extensionAt = SIGNATURE.length + FLAGS_BYTES
  const rowAt = extensionAt + LENGTH_BYTES + copied.readInt32BE(extensionAt)
  if (copied.readInt16BE(rowAt) === -1) return undefined
  const lengthAt = rowAt + COUNT_BYTES
  const start = lengthAt + LENGTH_BYTES
  return copied.subarray(start, start + copied.readInt32BE(lengthAt))
}
