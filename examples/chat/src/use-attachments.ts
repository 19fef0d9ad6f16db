import { useCallback, useRef, useState } from 'react'
import type { FilePart } from '../../../client/index.ts'
import { useAgentClient } from './agents.ts'

export interface Attachment {
  key: string
  name: string
  state: { kind: 'uploading' } | { kind: 'ready'; part: FilePart } | { kind: 'failed'; reason: string }
}

/** Files are uploaded when they are chosen, so that sending does not wait for them. */
export function useAttachments() {
  const client = useAgentClient()
  const [list, setList] = useState<readonly Attachment[]>([])
  const count = useRef(0)

  const add = useCallback(
    (files: readonly File[]) => {
      for (const file of files) {
        count.current += 1
        const key = String(count.current)
        const become = (state: Attachment['state']) =>
          setList((before) => before.map((one) => (one.key === key ? { ...one, state } : one)))
        setList((before) => [...before, { key, name: file.name, state: { kind: 'uploading' } }])
        client.files.upload(file).then(
          ({ id }) => become({ kind: 'ready', part: { type: 'file', fileId: id, filename: file.name } }),
          (error: unknown) =>
            become({ kind: 'failed', reason: error instanceof Error ? error.message : String(error) }),
        )
      }
    },
    [client],
  )

  return {
    list,
    add,
    remove: (key: string) => setList((before) => before.filter((one) => one.key !== key)),
    parts: list.flatMap(({ state }) => (state.kind === 'ready' ? [state.part] : [])),
    isUploading: list.some(({ state }) => state.kind === 'uploading'),
    /** Takes the files, since they are sent now. The returned function puts them back. */
    take() {
      setList([])
      return () => setList((since) => [...list, ...since])
    },
  }
}
