import { renderToStaticMarkup } from 'react-dom/server'
import { describe, expect, test } from 'vitest'
import { Markdown } from '../../../examples/chat/src/markdown.tsx'

const html = (text: string, isStreaming = false) =>
  renderToStaticMarkup(<Markdown text={text} isStreaming={isStreaming} />).replaceAll(/\n(?=<)/g, '')

describe('what models answer', () => {
  test.each([
    ['One\n\nTwo', '<p>One</p><p>Two</p>'],
    ['# Title\nText', '<h2>Title</h2><p>Text</p>'],
    ['#### Deep', '<h2>Deep</h2>'],
    ['A **bold** and a `code`', '<p>A <strong>bold</strong> and a <code>code</code></p>'],
    ['- one\n- two', '<ul><li>one</li><li>two</li></ul>'],
    ['3. three\n4. four', '<ol start="3"><li>three</li><li>four</li></ol>'],
    ['> quoted', '<blockquote><p>quoted</p></blockquote>'],
  ])('%j', (text, expected) => {
    expect(html(text)).toBe(expected)
  })

  test('code is code, with a button that copies it, and a table one that scrolls', () => {
    const code = html('```ts\nconst a = 1\n\n# no title\n```')
    expect(code).toContain('<code class="language-ts">const a = 1\n\n# no title</code></pre>')
    expect(code).toContain('aria-label="Copy code"')
    expect(html('| a | b |\n|---|---|\n| 1 | 2 |')).toContain('<td>2</td>')
  })
})

describe('what models must not do to a page', () => {
  test.each([
    '<img src=x onerror=alert(1)>',
    '<script>alert(1)</script>',
    '[a](javascript:alert(1))',
    '[a](data:text/html,<script>alert(1)</script>)',
    '![a](https://example.com/?stolen=secret)',
  ])('%s', (text) => {
    expect(html(text)).not.toMatch(/<(?:img|script)|href="(?:javascript|data):/)
  })

  test('links open elsewhere, and are told nothing of the page', () => {
    expect(html('[docs](https://example.com)')).toBe(
      '<p><a href="https://example.com" target="_blank" rel="noopener noreferrer">docs</a></p>',
    )
  })
})

describe('while it is written, what is open is shown as closed', () => {
  test.each([
    ['half **bol', '<p>half <strong>bol</strong></p>'],
    ['half **', '<p>half</p>'],
    ['half `cod', '<p>half <code>cod</code></p>'],
    ['see [the do', '<p>see the do</p>'],
    ['see [the docs](https://exa', '<p>see the docs</p>'],
  ])('%j', (text, expected) => {
    expect(html(text, true)).toBe(expected)
  })

  test('each beginning of an answer', () => {
    const text = 'An **agent** is `a key`:\n\n```ts\nconst a = 1\n```\n\n*From* **docs/agents.md**.'
    const beginnings = Array.from({ length: text.length }, (_, length) =>
      html(text.slice(0, length + 1), true),
    )
    expect(beginnings.filter((one) => /\*\*|```/.test(one))).toEqual([])
  })

  test('and what is not written any more stays as it is', () => {
    expect(html('2 ** 3')).toBe('<p>2 ** 3</p>')
  })
})
