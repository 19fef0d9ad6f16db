// The little Markdown that models answer with: paragraphs, lists, quotes, code, bold. Everything else,
// HTML above all, stays the text it is.
import type { ReactNode } from 'react'

type Block =
  | { kind: 'paragraph' | 'heading' | 'quote' | 'code'; lines: string[] }
  | { kind: 'list'; isOrdered: boolean; start: number; lines: string[] }

const FENCE = /^\s*```/
const HEADING = /^#{1,6}\s+/
const QUOTE = /^>\s?/
const BULLET = /^\s*[-*+]\s+/
const NUMBER = /^\s*(\d+)[.)]\s+/
const TABLE_ROW = /^\s*\|/

export function Markdown({ text }: { text: string }): ReactNode {
  return blocksOf(text).map((block, index) => {
    // oxlint-disable-next-line react/no-array-index-key -- a text only grows at its end
    return <BlockView key={index} block={block} />
  })
}

function BlockView({ block }: { block: Block }) {
  const text = block.lines.join('\n')
  switch (block.kind) {
    case 'paragraph':
      return <p>{inline(text)}</p>
    case 'heading':
      return <p className="heading">{inline(text)}</p>
    case 'code':
      return <pre>{text}</pre>
    case 'quote':
      return (
        <blockquote>
          <Markdown text={text} />
        </blockquote>
      )
    case 'list': {
      const items = block.lines.map((line, index) => {
        // oxlint-disable-next-line react/no-array-index-key -- a text only grows at its end
        return <li key={index}>{inline(line)}</li>
      })
      return block.isOrdered ? <ol start={block.start}>{items}</ol> : <ul>{items}</ul>
    }
  }
}

function blocksOf(text: string): Block[] {
  const blocks: Block[] = []
  let open: Block | undefined
  const add = (line: string, block: Block) => {
    const goesOn =
      open?.kind === block.kind &&
      !(open.kind === 'list' && block.kind === 'list' && open.isOrdered !== block.isOrdered)
    if (!goesOn || open === undefined) blocks.push((open = block))
    open.lines.push(line)
  }
  let isCode = false
  for (const line of text.split('\n')) {
    if (FENCE.test(line)) {
      isCode = !isCode
      open = isCode ? { kind: 'code', lines: [] } : undefined
      if (open !== undefined) blocks.push(open)
    } else if (isCode) open?.lines.push(line)
    else if (line.trim() === '') open = undefined
    else if (HEADING.test(line)) {
      blocks.push({ kind: 'heading', lines: [line.replace(HEADING, '')] })
      open = undefined
    } else if (QUOTE.test(line)) add(line.replace(QUOTE, ''), { kind: 'quote', lines: [] })
    // Tables keep the shape they have as text.
    else if (TABLE_ROW.test(line)) add(line, { kind: 'code', lines: [] })
    else if (BULLET.test(line)) {
      add(line.replace(BULLET, ''), { kind: 'list', isOrdered: false, start: 1, lines: [] })
    } else if (NUMBER.test(line)) {
      const start = Number(NUMBER.exec(line)?.[1])
      add(line.replace(NUMBER, ''), { kind: 'list', isOrdered: true, start, lines: [] })
    } else if (open?.kind === 'list') open.lines.push(`${open.lines.pop() ?? ''}\n${line.trim()}`)
    else add(line, { kind: 'paragraph', lines: [] })
  }
  return blocks
}

function inline(text: string): ReactNode[] {
  return text.split(/(`[^`\n]+`|\*\*[^*\n]+\*\*)/).map((part, index) => {
    // The separators of a split are its odd parts.
    if (index % 2 === 0) return part
    const key = `${index} ${part}`
    return part.startsWith('`') ? (
      <code key={key}>{part.slice(1, -1)}</code>
    ) : (
      <strong key={key}>{part.slice(2, -2)}</strong>
    )
  })
}
