import type { StoredFile } from '../../contract/file.ts'
import { OWNER_COLUMN_OF, toOwner } from './owner-columns.ts'
import type { OwnerColumns } from './owner-columns.ts'
import { selectList } from './select-list.ts'

export interface FileRow extends OwnerColumns {
  id: string
  name: string | null
  mediaType: string
  size: number
  sha256: Buffer
  createdAt: Date
  expiresAt: Date | null
}

const FILE_COLUMN_OF = {
  id: 'id',
  ...OWNER_COLUMN_OF,
  name: 'name',
  mediaType: 'media_type',
  size: 'size',
  sha256: 'sha256',
  createdAt: 'created_at',
  expiresAt: 'expires_at',
} satisfies Record<keyof FileRow, string>

/** The select list that makes a {@link FileRow}, for a table named `r`. */
export const FILE_COLUMNS = selectList(FILE_COLUMN_OF)

export function toFile(row: FileRow): StoredFile {
  const { id, name, mediaType, size } = row
  return {
    id,
    owner: toOwner(row),
    name,
    mediaType,
    size,
    sha256: row.sha256.toString('hex'),
    createdAt: row.createdAt.toISOString(),
    expiresAt: row.expiresAt?.toISOString() ?? null,
  }
}
