// Reads and writes bytes in binary form, by COPY. As a parameter or in a normal result, `bytea` is copied several times
// over in this process. Each copy is memory outside of the heap, which V8 frees by a full collection only: those would
// hold up all streams of the process.
import pg from 'pg'
import { parse as parseUuid } from 'uuid'

const SIGNATURE = Buffer.from('PGCOPY\n\xff\r\n\0', 'latin1')
const FLAGS_BYTES = 4
const LENGTH_BYTES = 4
const COUNT_BYTES = 2
/** In place of the field count of a row, it marks the end. */
const END = -1

/** A query that collects the data that a COPY sends, in one buffer. */
class CopyOut extends pg.Query {
  #bytes: Buffer
  #length = 0

  constructor(text: string, maxBytes: number, settle: (error: Error | null | undefined) => void) {
    super(text, settle)
    this.#bytes = Buffer.allocUnsafeSlow(maxBytes)
  }

  handleCopyData({ chunk }: { chunk: Buffer }): void {
    const length = this.#length + chunk.length
    if (length > this.#bytes.length) this.#bytes = Buffer.concat([this.copied], length * 2)
    // Copy the chunk, since the connection reuses its memory.
    this.#bytes.set(chunk, this.#length)
    this.#length = length
  }

  get copied(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }
}

/**
 * @param select a SELECT of one column of type `bytea`. Its values must be part of the text, since COPY has no
 * parameters. Short rows are best, since the driver copies rows that do not arrive at once.
 * @param maxBytes about how many there are at most, with the few that belong to each row
 * @returns the bytes of all rows, one after the other; undefined when there is no row
 */
export async function copyBytes(
  client: pg.PoolClient,
  select: string,
  maxBytes: number,
): Promise<Buffer | undefined> {
  const text = `COPY (${select}) TO STDOUT (FORMAT binary)`
  const copied = await new Promise<Buffer>((resolve, reject) => {
    const copy = new CopyOut(text, maxBytes, (error) => (error ? reject(error) : resolve(copy.copied)))
    client.query(copy)
  })
  return bytesOf(copied)
}

/**
 * Reads the binary format (https://www.postgresql.org/docs/current/sql-copy.html): a header, then the field count and
 * the fields of each row, then -1. The rows' bytes are moved together within the buffer.
 */
function bytesOf(copied: Buffer): Buffer | undefined {
  if (!copied.subarray(0, SIGNATURE.length).equals(SIGNATURE)) throw new Error('COPY sent no binary data.')
  const extensionAt = SIGNATURE.length + FLAGS_BYTES
  let rowAt = extensionAt + LENGTH_BYTES + copied.readInt32BE(extensionAt)
  if (copied.readInt16BE(rowAt) === END) return undefined
  let length = 0
  while (copied.readInt16BE(rowAt) !== END) {
    const lengthAt = rowAt + COUNT_BYTES
    const start = lengthAt + LENGTH_BYTES
    const end = start + copied.readInt32BE(lengthAt)
    copied.copyWithin(length, start, end)
    length += end - start
    rowAt = end
  }
  return copied.subarray(0, length)
}

/** A query that sends one row to a COPY. */
class CopyIn extends pg.Query {
  readonly #parts: readonly Uint8Array[]

  constructor(text: string, parts: readonly Uint8Array[], settle: (error: Error | null | undefined) => void) {
    super(text, settle)
    this.#parts = parts
  }

  handleCopyInResponse(connection: pg.Connection & { endCopyFrom(): void }): void {
    // Written past the driver, which would copy them.
    for (const part of this.#parts) connection.stream.write(part)
    connection.endCopyFrom()
  }
}

/** The first byte of a message with data of a COPY. */
const COPY_DATA = 'd'.charCodeAt(0)

/**
 * Inserts a row with a piece of a file. The bytes must not change before this resolves.
 *
 * @param into a table and its three columns: a file's id, a position and bytes
 */
export async function copyPiece(
  client: pg.PoolClient,
  into: string,
  { fileId, position, bytes }: { fileId: string; position: number; bytes: Uint8Array },
): Promise<void> {
  const before = Buffer.concat([
    SIGNATURE,
    Buffer.alloc(FLAGS_BYTES + LENGTH_BYTES),
    int16(3),
    field(parseUuid(fileId)),
    field(int32(position)),
    int32(bytes.length),
  ])
  const after = int16(END)
  const length = int32(LENGTH_BYTES + before.length + bytes.length + after.length)
  const parts = [Buffer.concat([Buffer.of(COPY_DATA), length, before]), bytes, after]
  await new Promise<void>((resolve, reject) => {
    const text = `COPY ${into} FROM STDIN (FORMAT binary)`
    client.query(new CopyIn(text, parts, (error) => (error ? reject(error) : resolve())))
  })
}

const field = (bytes: Uint8Array): Buffer => Buffer.concat([int32(bytes.length), bytes])

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2)
  bytes.writeInt16BE(value)
  return bytes
}
