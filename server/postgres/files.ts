// Files in the database, in pieces. Each piece is a separate statement, so that no transaction or connection is held
// while waiting for a client.
import pg from 'pg'
import { atMost } from '../concurrency/at-most.ts'
import { inPieces } from '../concurrency/in-pieces.ts'
import { FileGone } from '../ports/files.ts'
import type { Files } from '../ports/files.ts'
import { execute, inTransaction } from './connections/transaction.ts'
import { copyBytes, copyPiece } from './copy-bytes.ts'

const PIECE_BYTES = 256 * 1024
/** The most statements for files at once in a process. The pool's other connections are for runs. */
const MAX_STATEMENTS = 2

// The commit of a piece does not wait for the disk, since other commits would then wait too. The commit that completes
// the file does, and with it everything that was written before.
const SOON = { text: `SET LOCAL synchronous_commit TO off` }

// The foreign key refuses a piece whose file's row was deleted.
const CHUNK = 'agent_runtime.file_chunk (file_id, position, bytes)'

/** A piece is read in several rows, each small enough to arrive at once. */
const ROW_BYTES = 8 * 1024
/** More than COPY adds to the rows of a piece. */
const COPY_BYTES = 1024

const read = (fileId: string, position: number) => `
  SELECT substring(c.bytes FROM at FOR ${ROW_BYTES})
  FROM agent_runtime.file_chunk c CROSS JOIN generate_series(1, ${PIECE_BYTES}, ${ROW_BYTES}) AS at
  WHERE c.file_id = ${pg.escapeLiteral(fileId)} AND c.position = ${position}
  ORDER BY at`

const REMOVE = {
  name: 'file_remove',
  text: `DELETE FROM agent_runtime.file_chunk WHERE file_id = ANY ($1::uuid[])`,
}

export function createPgFiles(pool: pg.Pool): Files {
  const inTurn = atMost(MAX_STATEMENTS)
  return {
    async write(fileId, bytes) {
      let position = 0
      for await (const piece of inPieces(bytes, PIECE_BYTES)) {
        const row = { fileId, position, bytes: piece }
        await inTurn(() =>
          inTransaction(pool, (client) =>
            Promise.all([execute(client, SOON, []), copyPiece(client, CHUNK, row)]),
          ),
        )
        position += 1
      }
    },

    async *read(fileId, { start, end }) {
      for (let at = start; at < end;) {
        const position = Math.floor(at / PIECE_BYTES)
        const bytes = await inTurn(() =>
          inTransaction(pool, (client) =>
            copyBytes(client, read(fileId, position), PIECE_BYTES + COPY_BYTES),
          ),
        )
        if (bytes === undefined) throw new FileGone(`The file ${fileId} no longer exists.`)
        const begin = position * PIECE_BYTES
        yield bytes.subarray(at - begin, end - begin)
        at = begin + PIECE_BYTES
      }
    },

    async remove(fileIds) {
      // Delete one by one, since each may be large.
      for (const fileId of fileIds) await inTurn(() => execute(pool, REMOVE, [[fileId]]))
    },
  }
}
