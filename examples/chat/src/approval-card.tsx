import { useId, useState } from 'react'
import type { Json } from '../../../client/index.ts'
import type { ApprovalRequest } from './approval-of.ts'

interface ApprovalCardProps {
  approval: ApprovalRequest
  onAnswer: (approved: boolean) => Promise<void>
}

/** Takes no focus: otherwise the next key of a person who is typing could allow something. */
export function ApprovalCard({ approval, onAnswer }: ApprovalCardProps) {
  const [isSending, setIsSending] = useState(false)
  const titleId = useId()

  async function answer(approved: boolean) {
    // Not `disabled`, which would drop the focus of a person who has to try again.
    if (isSending) return
    setIsSending(true)
    await onAnswer(approved)
    setIsSending(false)
  }

  return (
    <li>
      <div className="approval" role="group" aria-labelledby={titleId}>
        <p id={titleId} className="approval-title">
          Allow <code>{approval.tool}</code>?
        </p>
        <Arguments value={approval.arguments} />
        <div className="approval-buttons" aria-busy={isSending}>
          <button type="button" className="primary-button" onClick={() => void answer(true)}>
            Allow
          </button>
          <button type="button" onClick={() => void answer(false)}>
            Don't allow
          </button>
        </div>
      </div>
    </li>
  )
}

function Arguments({ value }: { value: Json }) {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  if (!isObject) return <pre className="approval-arguments">{readable(value)}</pre>
  return (
    <dl className="approval-arguments">
      {Object.entries(value).map(([name, argument]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{readable(argument)}</dd>
        </div>
      ))}
    </dl>
  )
}

function readable(value: Json | undefined): string {
  return typeof value === 'string' ? value : JSON.stringify(value, null, 2)
}
