import type { ReactNode } from 'react'
import { isValidElement } from 'react'
import { CopyButton } from './copy-button.tsx'

export function CodeBlock({ children }: { children: ReactNode }) {
  return (
    <div className="code-block">
      {/* It scrolls, so it must take the focus: otherwise a keyboard cannot scroll it. */}
      <pre tabIndex={0}>{children}</pre>
      <CopyButton label="Copy code" text={textIn(children).trimEnd()} />
    </div>
  )
}

function textIn(node: ReactNode): string {
  if (typeof node === 'string') return node
  if (Array.isArray(node)) return node.map(textIn).join('')
  return isValidElement<{ children?: ReactNode }>(node) ? textIn(node.props.children) : ''
}
