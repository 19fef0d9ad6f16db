import type { Json } from '../../../client/index.ts'

interface ToolStepProps {
  title: string
  detail: Json
  isError?: boolean
}

/** What an agent did on the way to its answer: one line, more on demand. */
export function ToolStep({ title, detail, isError = false }: ToolStepProps) {
  return (
    <li className="tool-step" data-error={isError}>
      <details>
        <summary>{title}</summary>
        <pre>{typeof detail === 'string' ? detail : JSON.stringify(detail, null, 2)}</pre>
      </details>
    </li>
  )
}
