// Files that messages of runs name. Such a file lasts as long as the last of these runs.
import type pg from 'pg'
import type { NewRun } from '../../ports/create-run.ts'
import { haveOneOwner, ownerColumns } from '../owned-by.ts'
import { execute } from '../connections/transaction.ts'
import type { Executor } from '../connections/transaction.ts'
import { EXPIRED, isThere } from './files.ts'

/** A run, its owner's columns, and a file that it names, for `unnest`. */
function namesOf(runs: readonly NewRun[]): unknown[] {
  const named = runs.flatMap((run) => run.fileIds.map((fileId) => ({ run, fileId })))
  return [
    named.map(({ run }) => run.id),
    ...ownerColumns(named.map(({ run }) => run.principal)),
    named.map(({ fileId }) => fileId),
  ]
}

const NAMED = `unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::uuid[])
  AS w (run_id, tenant_id, owner_id, owner_kind, file_id)`

// The lock is shared with other creates, and keeps files from being deleted, so that they still exist when the runs
// commit.
const LOCK = {
  name: 'named_files_lock',
  text: `
    WITH locked AS (
      SELECT f.* FROM agent_runtime.file f WHERE f.id = ANY ($5::uuid[]) ORDER BY f.id FOR KEY SHARE
    )
    SELECT w.run_id AS "runId", w.file_id AS "fileId" FROM ${NAMED}
    WHERE NOT EXISTS (
      SELECT FROM locked f WHERE f.id = w.file_id AND ${isThere('f')} AND ${haveOneOwner('f', 'w')})`,
}

/** @returns the runs with a file that does not exist or is not their owner's, each with the file's id */
export async function lockNamedFiles(
  client: pg.PoolClient,
  runs: readonly NewRun[],
): Promise<ReadonlyMap<string, string>> {
  if (runs.every(({ fileIds }) => fileIds.length === 0)) return new Map()
  const missing = await execute<{ runId: string; fileId: string }>(client, LOCK, namesOf(runs))
  return new Map(missing.map(({ runId, fileId }) => [runId, fileId]))
}

// Runs after all runs are inserted, so that a transaction that waits for one of their keys holds none of these rows.
// Rows are locked in one order, like everywhere.
const KEEP = {
  name: 'named_files_keep',
  text: `
    WITH names AS (
      INSERT INTO agent_runtime.run_file (run_id, file_id)
      SELECT run_id, file_id FROM unnest($1::uuid[], $2::uuid[]) AS w (run_id, file_id)
    ), unnamed AS (
      SELECT f.id FROM agent_runtime.file f
      WHERE f.id = ANY ($2::uuid[]) AND f.expires_at > now()
      ORDER BY f.id
      FOR NO KEY UPDATE
    )
    UPDATE agent_runtime.file f SET expires_at = NULL FROM unnamed WHERE f.id = unnamed.id`,
}

export async function keepNamedFiles(client: pg.PoolClient, runs: readonly NewRun[]): Promise<void> {
  const named = runs.flatMap(({ id, fileIds }) => fileIds.map((fileId) => ({ id, fileId })))
  if (named.length === 0) return
  await execute(client, KEEP, [named.map(({ id }) => id), named.map(({ fileId }) => fileId)])
}

const LOCK_OF_RUNS = {
  name: 'named_files_lock_of_runs',
  text: `
    SELECT f.id FROM agent_runtime.file f
    WHERE f.id IN (SELECT file_id FROM agent_runtime.run_file WHERE run_id = ANY ($1::uuid[]))
    ORDER BY f.id
    FOR UPDATE`,
}

// A separate statement, which sees runs that were created while waiting for the lock.
const EXPIRE_UNNAMED = {
  name: 'named_files_expire',
  text: `
    UPDATE agent_runtime.file f SET expires_at = ${EXPIRED}
    WHERE f.id = ANY ($1::uuid[])
      AND NOT EXISTS (SELECT FROM agent_runtime.run_file n WHERE n.file_id = f.id)
    RETURNING f.id`,
}

/**
 * Deletes runs with `deleteRuns`, and the files that no other run names.
 *
 * @returns how many files were deleted
 */
export async function withNamedFiles(
  executor: Executor,
  runIds: readonly string[],
  deleteRuns: () => Promise<unknown>,
): Promise<number> {
  const files = await execute<{ id: string }>(executor, LOCK_OF_RUNS, [runIds])
  await deleteRuns()
  if (files.length === 0) return 0
  return (await execute(executor, EXPIRE_UNNAMED, [files.map(({ id }) => id)])).length
}
