import type { ComponentProps } from 'react'
import { memo } from 'react'
import type { Components } from 'react-markdown'
import ReactMarkdown from 'react-markdown'
import remarkGfm from 'remark-gfm'
import remend from 'remend'
import { CodeBlock } from './code-block.tsx'

interface MarkdownProps {
  text: string
  /** There is more to come: what is open is shown as if it were closed, so that no `**` flashes. */
  isStreaming?: boolean
}

/** What a model answered. HTML stays the text it is, and links lead only where a browser can't be made to run something. */
export const Markdown = memo(function Markdown({ text, isStreaming = false }: MarkdownProps) {
  return (
    <ReactMarkdown remarkPlugins={PLUGINS} components={COMPONENTS}>
      {isStreaming ? remend(text.replace(OPENING, ''), { linkMode: 'text-only' }) : text}
    </ReactMarkdown>
  )
})

// Nothing to show yet: it begins or ends something, and which of the two the next word tells.
const OPENING = /(?:[*_`~]+|!?\[)$/

const PLUGINS = [remarkGfm]

// Headings of an answer are below that of the page, none skipped, whatever the model began with.
const Heading = ({ children }: { children?: ComponentProps<'h2'>['children'] }) => <h2>{children}</h2>

const COMPONENTS: Components = {
  h1: Heading,
  h2: Heading,
  h3: Heading,
  h4: Heading,
  h5: Heading,
  h6: Heading,
  pre: ({ children }) => <CodeBlock>{children}</CodeBlock>,
  a: ({ href, children }) => (
    <a href={href} target="_blank" rel="noopener noreferrer">
      {children}
    </a>
  ),
  // A picture would be fetched from wherever the model says, with what it puts into the address.
  img: ({ src, alt }) => (
    <a href={typeof src === 'string' ? src : undefined} target="_blank" rel="noopener noreferrer">
      {alt || 'Picture'}
    </a>
  ),
  table: ({ children }) => (
    <div className="table" role="region" aria-label="Table" tabIndex={0}>
      <table>{children}</table>
    </div>
  ),
}
