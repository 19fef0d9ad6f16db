// Rows of files. An expired file is invisible to everybody and never becomes valid again. So its bytes can be removed
// at any later time, and its row after them.
import type pg from 'pg'
import type { StoredFile } from '../../contract/file.ts'
import type { Owner, Reach } from '../../ports/owner.ts'
import type { BegunUpload, FileStore, NewFile, UploadBounds } from '../../ports/store/file-store.ts'
import { forEachScope, haveOneOwner, isOwned, isReached, ownerValues, reachValues } from '../owned-by.ts'
import { execute, inTransaction } from '../connections/transaction.ts'
import { lockSessions } from './lock-sessions.ts'
import { FILE_COLUMNS, toFile } from '../rows/file-row.ts'
import type { FileRow } from '../rows/file-row.ts'

/** SQL condition: the row `f` has not expired. Its upload may be unfinished. */
const isLasting = (f: string) => `(${f}.expires_at IS NULL OR ${f}.expires_at > now())`

/** SQL condition: the row is visible to its owner. */
export const isThere = (f: string) => `${f}.sha256 IS NOT NULL AND ${isLasting(f)}`

/** Long before any other time, so that neither rounding nor a clock makes an expired file valid again. */
export const EXPIRED = `'epoch'::timestamptz`

const FILES_PER_SWEEP = 50

// Makes uploads of one owner count one at a time, or two would find the same room.
const LOCK_OWNER = {
  name: 'file_lock_owner',
  text: `SELECT pg_advisory_xact_lock(hashtextextended(jsonb_build_array('file', $1::text, $2::text, $3::text)::text, 0))`,
}

// An upload under way counts with the most bytes that it may have.
const BEGIN = {
  name: 'file_begin',
  text: `
    WITH room AS (
      SELECT least($7::bigint, $8::bigint - coalesce(sum(f.size), 0))::int AS bytes
      FROM agent_runtime.file f
      WHERE $8::bigint IS NOT NULL AND ${isOwned('f', 1)} AND ${isLasting('f')}
    )
    INSERT INTO agent_runtime.file (tenant_id, owner_id, owner_kind, id, name, media_type, size, expires_at)
    SELECT $1, $2, $3, $4, $5, $6, bytes, now() + $9 * interval '1 millisecond' FROM room
    WHERE bytes > 0
    RETURNING size`,
}

export async function beginUpload(pool: pg.Pool, file: NewFile, bounds: UploadBounds): Promise<BegunUpload> {
  const owner = ownerValues(file.owner)
  return inTransaction(pool, async (client) => {
    const isClaimed = await lockSessions(client, [file.owner])
    if (isClaimed(file.owner)) return { kind: 'session-over' }
    const { maxBytes, maxOwnerBytes, expiresInMs } = bounds
    const [, [begun]] = await Promise.all([
      maxOwnerBytes === null ? [] : execute(client, LOCK_OWNER, owner),
      execute<{ size: number }>(client, BEGIN, [
        ...owner,
        file.id,
        file.name,
        file.mediaType,
        maxBytes,
        maxOwnerBytes,
        expiresInMs,
      ]),
    ])
    return begun === undefined ? { kind: 'full' } : { kind: 'begun', maxBytes: begun.size }
  })
}

const END = {
  name: 'file_end',
  text: `
    UPDATE agent_runtime.file r
    SET size = $2, sha256 = $3, expires_at = now() + $4 * interval '1 millisecond'
    WHERE r.id = $1 AND r.sha256 IS NULL AND ${isLasting('r')}
    RETURNING ${FILE_COLUMNS}`,
}

export async function endUpload(
  pool: pg.Pool,
  fileId: string,
  { size, sha256, expiresInMs }: Parameters<FileStore['endUpload']>[1],
): Promise<StoredFile | null> {
  const [row] = await execute<FileRow>(pool, END, [fileId, size, sha256, expiresInMs])
  return row === undefined ? null : toFile(row)
}

const GET = forEachScope(
  'file_get',
  (scope) => `
    SELECT ${FILE_COLUMNS} FROM agent_runtime.file r
    WHERE r.id = $1 AND ${isThere('r')} AND ${isReached(scope, 'r', 2)}`,
)

export async function getFile(pool: pg.Pool, reach: Reach, fileId: string): Promise<StoredFile | null> {
  const [row] = await execute<FileRow>(pool, GET[reach.scope], [fileId, ...reachValues(reach)])
  return row === undefined ? null : toFile(row)
}

const FIND = {
  name: 'file_find',
  text: `
    SELECT ${FILE_COLUMNS} FROM agent_runtime.file r
    WHERE r.id = ANY ($1::uuid[]) AND ${isThere('r')} AND ${isOwned('r', 2)}`,
}

export async function findFiles(
  pool: pg.Pool,
  owner: Owner,
  fileIds: readonly string[],
): Promise<StoredFile[]> {
  return (await execute<FileRow>(pool, FIND, [fileIds, ...ownerValues(owner)])).map(toFile)
}

// Uses the run's present owner: a visitor may have become a user since the run was claimed.
const FIND_OF_RUN = {
  name: 'file_find_of_run',
  text: `
    SELECT ${FILE_COLUMNS} FROM agent_runtime.file r
    JOIN agent_runtime.run o ON o.id = $1 AND ${haveOneOwner('r', 'o')}
    WHERE r.id = ANY ($2::uuid[]) AND ${isThere('r')}`,
}

export async function findFilesOfRun(
  pool: pg.Pool,
  runId: string,
  fileIds: readonly string[],
): Promise<StoredFile[]> {
  return (await execute<FileRow>(pool, FIND_OF_RUN, [runId, fileIds])).map(toFile)
}

const EXPIRE = {
  name: 'file_expire',
  text: `
    UPDATE agent_runtime.file f SET expires_at = ${EXPIRED}
    WHERE f.id = $1 AND ${isLasting('f')} AND ${isOwned('f', 2)}
    RETURNING f.id`,
}

export async function expireFile(pool: pg.Pool, owner: Owner, fileId: string): Promise<boolean> {
  return (await execute(pool, EXPIRE, [fileId, ...ownerValues(owner)])).length > 0
}

const ABANDON = {
  name: 'file_abandon',
  text: `
    UPDATE agent_runtime.file f SET expires_at = ${EXPIRED}
    WHERE f.id = ANY ($1::uuid[]) AND f.expires_at IS NOT NULL
      AND NOT EXISTS (SELECT FROM agent_runtime.run_file n WHERE n.file_id = f.id)
    RETURNING f.id`,
}

export async function abandonFiles(pool: pg.Pool, fileIds: readonly string[]): Promise<string[]> {
  return (await execute<{ id: string }>(pool, ABANDON, [fileIds])).map(({ id }) => id)
}

const FIND_EXPIRED = {
  name: 'file_find_expired',
  text: `
    SELECT id FROM agent_runtime.file
    WHERE expires_at <= now()
    ORDER BY expires_at
    LIMIT ${FILES_PER_SWEEP}`,
}

export async function findExpiredFiles(pool: pg.Pool): Promise<string[]> {
  return (await execute<{ id: string }>(pool, FIND_EXPIRED, [])).map(({ id }) => id)
}

// Its chunks, if any, are deleted with it.
const FORGET = {
  name: 'file_forget',
  text: `DELETE FROM agent_runtime.file WHERE id = ANY ($1::uuid[]) AND expires_at <= now()`,
}

export async function forgetFiles(pool: pg.Pool, fileIds: readonly string[]): Promise<void> {
  await execute(pool, FORGET, [fileIds])
}
