/** A part of a Markdown document under one heading, without the parts under deeper ones. */
export interface Section {
  /**
   * The headings above the section and its own, outermost first, joined by " › ". Empty before the first
   * heading.
   */
  heading: string
  text: string
}

export function splitSections(markdown: string): Section[] {
  const sections: Section[] = []
  const headings: string[] = []
  let lines: string[] = []
  let fence: string | undefined

  const close = () => {
    const text = lines.join('\n').trim()
    if (text !== '') sections.push({ heading: headings.filter(Boolean).join(' › '), text })
    lines = []
  }
  for (const line of markdown.split(/\r?\n/)) {
    const mark = /^\s*(```|~~~)/.exec(line)?.[1]
    // A "#" inside a code block is a comment, not a heading.
    if (mark !== undefined && (fence === undefined || fence === mark))
      fence = fence === undefined ? mark : undefined
    const heading = fence === undefined ? /^(#{1,6})\s+(.+?)\s*#*$/.exec(line) : null
    if (heading === null) {
      lines.push(line)
      continue
    }
    close()
    const [, hashes = '', title = ''] = heading
    headings.length = hashes.length - 1
    headings[hashes.length - 1] = title
  }
  close()
  return sections
}
