import type { FilePart } from '../../../client/index.ts'
import { useAgentClient } from './agents.ts'

/** A file that was sent. */
export function FileChip({ part }: { part: FilePart }) {
  const client = useAgentClient()
  const href = part.fileId === undefined ? part.url : client.files.url(part.fileId)
  return (
    <li className="file-chip">
      <a href={href} target="_blank" rel="noopener noreferrer">
        {part.filename ?? 'File'}
      </a>
    </li>
  )
}
