import { renderToStaticMarkup } from 'react-dom/server'
import { expect, test } from 'vitest'
import { Markdown } from '../../../examples/chat/src/markdown.tsx'

const html = (text: string) => renderToStaticMarkup(<Markdown text={text} />)

test.each([
  ['One\n\nTwo', '<p>One</p><p>Two</p>'],
  ['# Title\nText', '<p class="heading">Title</p><p>Text</p>'],
  ['A **bold** and a `code`', '<p>A <strong>bold</strong> and a <code>code</code></p>'],
  ['- one\n- two\n1. first', '<ul><li>one</li><li>two</li></ul><ol start="1"><li>first</li></ol>'],
  ['1. one\n   goes on\n2. two', '<ol start="1"><li>one\ngoes on</li><li>two</li></ol>'],
  ['3. three\n\n4. four', '<ol start="3"><li>three</li></ol><ol start="4"><li>four</li></ol>'],
  ['| a | b |\n|---|---|', '<pre>| a | b |\n|---|---|</pre>'],
  ['> quoted\n> - item', '<blockquote><p>quoted</p><ul><li>item</li></ul></blockquote>'],
  ['```ts\nconst a = 1\n\n# no title\n```\nafter', '<pre>const a = 1\n\n# no title</pre><p>after</p>'],
  ['```\nstill being written', '<pre>still being written</pre>'],
  ['half **bol', '<p>half **bol</p>'],
  ['<img src=x onerror=alert(1)>', '<p>&lt;img src=x onerror=alert(1)&gt;</p>'],
])('%j', (text, expected) => {
  expect(html(text)).toBe(expected)
})
