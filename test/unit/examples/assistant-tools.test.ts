import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { calculator } from '../../../examples/assistant/tools/calculator.ts'
import { currentTime } from '../../../examples/assistant/tools/current-time.ts'
import { splitSections } from '../../../examples/assistant/tools/markdown-sections.ts'
import { createSaveNote } from '../../../examples/assistant/tools/save-note.ts'
import { createSearchDocs } from '../../../examples/assistant/tools/search-docs.ts'
import { ToolError } from '../../../server/agent/tool-error.ts'
import type { ToolContext } from '../../../server/agent/define-tool.ts'

const ctx: ToolContext = {
  runId: 'run-1',
  conversationId: null,
  attempt: 1,
  idempotencyKey: 'key',
  metadata: {},
  principal: { id: 'ann', tenantId: '', kind: 'user' },
  signal: new AbortController().signal,
  log: { debug() {}, info() {}, warn() {}, error() {} },
  async report() {},
  ask: () => Promise.reject(new Error('not a part of this test')),
}

async function createFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'docs-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return folder
}

describe('calculator', () => {
  test.for([
    ['2^10', 1024],
    ['0.1 + 0.2', 0.3],
    ['(1 + 2) * 3 / 4', 2.25],
    ['sqrt(16) + max(1, 2)', 6],
    ['2 * pi', 6.28318530717959],
    ['-7 % 3', -1],
  ] as const)('%s is %d', async ([expression, result]) => {
    expect(await calculator.execute({ expression }, ctx)).toEqual({ expression, result })
  })

  test.for([
    ['1 / 0', 'divides by zero or is too large'],
    ['10 ^ 1000', 'divides by zero or is too large'],
    ['sqrt(-1)', 'has no result'],
    ['2 +', 'is not an expression I can read'],
    ['x = 5', 'is not an expression I can read'],
    ['random()', 'is not an expression I can read'],
    ['constructor', 'is not an expression I can read'],
    ['process.exit()', 'is not an expression I can read'],
    ['"text"', 'has no result'],
  ])('refuses %s', ([expression, problem]) => {
    const calculate = () => calculator.execute({ expression: expression! }, ctx)
    expect(calculate).toThrow(ToolError)
    expect(calculate).toThrow(problem)
  })
})

describe('current_time', () => {
  beforeEach(() => void vi.useFakeTimers({ now: new Date('2026-11-23T23:05:00Z'), toFake: ['Date'] }))
  afterEach(() => void vi.useRealTimers())

  test.for([
    ['UTC', '23 November 2026', '23:05'],
    ['Asia/Tokyo', '24 November 2026', '08:05'],
    ['America/New_York', '23 November 2026', '18:05'],
  ])('in %s', async ([timeZone, date, time]) => {
    expect(await currentTime.execute({ timeZone: timeZone! }, ctx)).toEqual({
      timeZone,
      // The weekday comes first; whether a comma follows it depends on Node's version.
      date: expect.stringMatching(new RegExp(`^(Mon|Tues)day,? ${date}$`)),
      time,
      iso: '2026-11-23T23:05:00.000Z',
    })
  })

  test('in UTC when no zone is asked for', () => {
    expect(currentTime.input.parse({})).toEqual({ timeZone: 'UTC' })
  })

  test('refuses a zone that does not exist, and says what it wants', () => {
    expect(() => currentTime.execute({ timeZone: 'Gotham' }, ctx)).toThrow(
      new ToolError('There is no time zone "Gotham". Use an IANA name such as Europe/Berlin.'),
    )
  })
})

describe('save_note', () => {
  test('waits for leave, keeps notes in order, and none twice', async () => {
    const folder = await createFolder()
    const tool = createSaveNote(folder)
    expect(tool.needsApproval).toBe(true)
    await tool.execute({ text: 'buy milk' }, { ...ctx, idempotencyKey: 'one' })
    await tool.execute({ text: 'call home' }, { ...ctx, idempotencyKey: 'two' })
    expect(await tool.execute({ text: 'buy milk' }, { ...ctx, idempotencyKey: 'one' })).toEqual({
      savedTo: '.agent-runtime/notes.md',
    })
    expect(await readFile(path.join(folder, '.agent-runtime/notes.md'), 'utf8')).toBe(
      '<!-- one -->\nbuy milk\n\n<!-- two -->\ncall home\n\n',
    )
  })
})

describe('search_docs', () => {
  const search = async (root: string, query: string) => {
    const result = await createSearchDocs(root).execute({ query }, ctx)
    return (result as { passages: { path: string; heading: string; quote: string }[] }).passages
  }

  async function write(folder: string) {
    await mkdir(path.join(folder, 'docs', 'guides'), { recursive: true })
    await mkdir(path.join(folder, 'node_modules', 'x'), { recursive: true })
    await writeFile(
      path.join(folder, 'README.md'),
      '# Runtime\n\nRuns agents on Postgres.\n\n## Install\n\nUse npm install.\n',
    )
    await writeFile(
      path.join(folder, 'docs', 'guides', 'runs.md'),
      '# Runs\n\nA run is queued.\n\n## Cancel a run\n\nSome words first.\n\nCall `cancel()` to stop a run; cancelling is durable.\n\n## Retries\n\nA failed run is tried again with backoff.\n',
    )
    await writeFile(path.join(folder, 'node_modules', 'x', 'README.md'), '# Cancel\n\ncancel cancel cancel\n')
  }

  test('finds the section that fits best, and quotes its best paragraph with path and heading', async () => {
    const folder = await createFolder()
    await write(folder)
    expect((await search(folder, 'how to cancel a run'))[0]).toEqual({
      path: 'docs/guides/runs.md',
      heading: 'Runs › Cancel a run',
      quote: 'Call `cancel()` to stop a run; cancelling is durable.',
    })
  })

  test('finds words by their beginning and in spite of a slip', async () => {
    const folder = await createFolder()
    await write(folder)
    expect((await search(folder, 'retry backof'))[0]).toMatchObject({ heading: 'Runs › Retries' })
    expect((await search(folder, 'instal'))[0]).toMatchObject({
      path: 'README.md',
      heading: 'Runtime › Install',
    })
  })

  test('finds nothing where nothing is said, or nothing is there', async () => {
    const folder = await createFolder()
    expect(await search(folder, 'cancel')).toEqual([])
    await write(folder)
    expect(await search(folder, 'unicorns')).toEqual([])
    expect(await search(folder, 'the of')).toEqual([])
  })

  test('prefers what has all the words to what has one of them often', async () => {
    const folder = await createFolder()
    await writeFile(
      path.join(folder, 'README.md'),
      '# Workers\n\nworkers workers workers\n\n# Shutdown\n\nDraining gives the runs of workers back.\n',
    )
    expect(await search(folder, 'drain workers')).toMatchObject([{ heading: 'Shutdown' }])
    expect((await search(folder, 'pause workers'))[0]).toMatchObject({ heading: 'Workers' })
  })

  test('begins with what says what a thing is, and its example', async () => {
    const folder = await createFolder()
    const definition = 'A widget is a thing.\n\n```ts\nlet widget = 1\n\nlet other = widget\n```'
    await writeFile(path.join(folder, 'README.md'), '# Things\n\nEvery widget has a widget.\n')
    await mkdir(path.join(folder, 'docs'))
    await writeFile(path.join(folder, 'docs/all.md'), `# All\n\n${definition}\n\nMore, at length.\n`)
    const [first, second] = await search(folder, 'widget')
    expect(first).toMatchObject({ path: 'docs/all.md', quote: definition })
    expect(second).toMatchObject({ quote: 'Every widget has a widget.' })
  })

  test('quotes no half of a code block', async () => {
    const folder = await createFolder()
    await writeFile(
      path.join(folder, 'README.md'),
      '# Code\n\n```ts\nlet widget = 1\n\nlet other = widget\n```\n\nA widget is declared.\n',
    )
    expect(await search(folder, 'widget')).toMatchObject([{ quote: 'A widget is declared.' }])
  })

  test('cuts a paragraph that is too long to quote', async () => {
    const folder = await createFolder()
    await writeFile(path.join(folder, 'README.md'), `# Long\n\n${'many words '.repeat(200)}`)
    const [passage] = await search(folder, 'words')
    expect(passage?.quote.length).toBeLessThanOrEqual(502)
    expect(passage?.quote).toMatch(/ (many|words) …$/)
  })
})

describe('sections of a Markdown document', () => {
  test('end at every heading and know the headings above', () => {
    expect(splitSections('intro\n# A\na\n### C\nc\n## B ##\nb')).toEqual([
      { heading: '', text: 'intro' },
      { heading: 'A', text: 'a' },
      { heading: 'A › C', text: 'c' },
      { heading: 'A › B', text: 'b' },
    ])
  })

  test('do not take comments in code for headings', () => {
    const markdown = '# A\n```sh\n# comment\n~~~\n# comment\n```\nafter'
    expect(splitSections(markdown)).toEqual([{ heading: 'A', text: markdown.slice(4) }])
  })
})
