import type { ComponentProps } from 'react'
import { memo } from 'react'
import type { Components } from 'react-markdown'
import ReactMarkdown from 'react-markdown'
import remarkGfm from 'remark-gfm'
import remend from 'remend'
import { CodeBlock } from './code-block.tsx'

interface MarkdownProps {
  text: string
  /** The text is not complete: open marks are shown as if they were closed, so that no `**` flashes. */
  isStreaming?: boolean
}

/** A model's answer. HTML stays text, and links cannot make a browser run something. */
export const Markdown = memo(function Markdown({ text, isStreaming = false }: MarkdownProps) {
  return (
    <ReactMarkdown remarkPlugins={PLUGINS} components={COMPONENTS}>
      {isStreaming ? remend(text.replace(OPENING, ''), { linkMode: 'text-only' }) : text}
    </ReactMarkdown>
  )
})

// Nothing to show yet: the next word tells whether this begins or ends something.
const OPENING = /(?:[*_`~]+|!?\[)$/

const PLUGINS = [remarkGfm]

// Headings of an answer are below that of the page, and none is skipped, whatever level the model began with.
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
  // A picture would be fetched from an address of the model's choice, which may contain anything.
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
