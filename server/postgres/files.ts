// Files in the database, in pieces. Each piece is a statement of its own, so that no transaction is open and no connection
// taken while a client is waited for.
import type pg from 'pg'
import { atMost } from '../concurrency/at-most.ts'
import { inPieces } from '../concurrency/in-pieces.ts'
import { FileGone } from '../ports/files.ts'
import type { Files } from '../ports/files.ts'
import { execute } from './connections/transaction.ts'

const PIECE_BYTES = 256 * 1024
/** The most statements for files at once in a process. The pool's other connections are for runs. */
const MAX_STATEMENTS = 2

// The foreign key refuses a piece whose file has no row any more.
const WRITE = {
  name: 'file_write',
  text: `INSERT INTO agent_runtime.file_chunk (file_id, position, bytes) VALUES ($1, $2, $3)`,
}

const READ = {
  name: 'file_read',
  text: `SELECT bytes FROM agent_runtime.file_chunk WHERE file_id = $1 AND position = $2`,
}

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
        await inTurn(() => execute(pool, WRITE, [fileId, position, piece]))
        position += 1
      }
    },

    async *read(fileId, { start, end }) {
      for (let at = start; at < end;) {
        const position = Math.floor(at / PIECE_BYTES)
        const [row] = await inTurn(() => execute<{ bytes: Buffer }>(pool, READ, [fileId, position]))
        if (row === undefined) throw new FileGone(`The file ${fileId} is not there any more.`)
        const begin = position * PIECE_BYTES
        yield row.bytes.subarray(at - begin, end - begin)
        at = begin + PIECE_BYTES
      }
    },

    async remove(fileIds) {
      // One by one, since each may be large.
      for (const fileId of fileIds) await inTurn(() => execute(pool, REMOVE, [[fileId]]))
    },
  }
}
