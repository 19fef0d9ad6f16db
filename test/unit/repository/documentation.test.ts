// Compares the lists in the documentation with the code.
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { Config } from '../../../server/config/config.ts'
import { ENVIRONMENT } from '../../../server/config/environment.ts'
import { resolveConfig } from '../../../server/config/resolve-config.ts'
import { ERROR_STATUS } from '../../../server/contract/agent-runtime-error.ts'
import { RUNTIME_EVENTS } from '../../../server/contract/runtime-events.ts'
import { TRANSITIONS } from '../../../server/lifecycle/transitions.ts'
import { stepsOf } from '../../support/followed-page.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const read = (name: string) => readFileSync(join(root, name), 'utf8')

describe('docs/configuration.md', () => {
  const rows = new Map(
    read('docs/configuration.md')
      .split('\n')
      .filter((line) => line.startsWith('| `'))
      .map((line) => line.split('|').map((cell) => cell.trim().replaceAll('`', '')))
      // Other tables have fewer columns.
      .filter((cells) => cells.length === 6)
      .map(([, setting = '', variable = '', standard = '']) => [setting, { variable, standard }]),
  )

  test.each(Object.keys(Config.shape))('%s has its row, variable and default', (setting) => {
    const row = rows.get(setting)
    expect(row?.variable).toBe(ENVIRONMENT[setting as keyof typeof ENVIRONMENT] ?? '')
    const standard: unknown = resolveConfig({}, {})[setting as keyof Config]
    // Without a default, the cell says what happens.
    const expected = typeof standard === 'string' ? standard : (JSON.stringify(standard) ?? row?.standard)
    expect(row?.standard).toBe(expected)
  })

  test('lists no setting that does not exist', () => {
    expect([...rows.keys()].filter((setting) => !Object.hasOwn(Config.shape, setting))).toEqual([])
  })
})

test.each(Object.entries(RUNTIME_EVENTS))(
  'docs/agents.md lists %s with its visibility',
  (type, { visibility }) => {
    expect(read('docs/agents.md')).toContain(`| \`${type}\` | ${visibility} |`)
  },
)

test('docs/architecture.md tells the life of a run as it is', () => {
  const [, section = ''] = read('docs/architecture.md').split('## The life of a run\n')
  const rows = (section.split('\n## ')[0] ?? '').split('\n').filter((line) => line.startsWith('| `'))
  const listed = rows.map((row) => row.split('|').slice(1, 5))
  expect(listed.map((cells) => cells.map((cell) => cell.trim().replaceAll('`', '')))).toEqual(
    Object.entries(TRANSITIONS).map(([name, { from, to, event }]) => [name, from.join(', '), to, event]),
  )
})

test('docs/architecture.md leads to every decision, and has each heading once', () => {
  const page = read('docs/architecture.md')
  const decisions = readdirSync(join(root, 'docs/decisions'))
  expect(decisions.filter((name) => !page.includes(`](decisions/${name})`))).toEqual([])
  const headings = page.split('\n').filter((line) => line.startsWith('#'))
  expect(headings).toEqual([...new Set(headings)])
})

test('the guide for Next.js has the files of examples/nextjs as they are', () => {
  const example = join(root, 'examples/nextjs')
  const files = readdirSync(example, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(example, join(parentPath, name)))
  const written = stepsOf(read('docs/guides/nextjs.md')).flatMap((step) =>
    step.kind === 'file' ? [[step.name, step.text]] : [],
  )
  expect(Object.fromEntries(written)).toEqual(
    Object.fromEntries(files.map((name) => [name, read(`examples/nextjs/${name}`)])),
  )
})

test('CONTRIBUTING.md names places that are there as those to begin in', () => {
  const [, section = ''] = read('CONTRIBUTING.md').split('## Where to begin\n')
  const rows = (section.split('\n## ')[0] ?? '').split('\n').filter((line) => line.startsWith('| '))
  const places = rows.flatMap((row) => [...row.matchAll(/`([^`]+)`/g)].map(([, place = '']) => place))
  expect(places.length).toBeGreaterThan(20)
  expect(places.filter((place) => !existsSync(join(root, place)))).toEqual([])
})

test.each(Object.entries(ERROR_STATUS))('docs/rest.md lists the error code %s', (code, status) => {
  const rows = read('docs/rest.md')
    .split('\n')
    .filter((line) => line.startsWith(`| ${status} |`))
  expect(rows.join('\n')).toContain(`\`${code}\``)
})

const PAGES = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
]

test.each(PAGES)('links of %s lead somewhere', (page) => {
  const targets = [...read(page).matchAll(/\]\((?!https?:)([^)#]+)[^)]*\)/g)].map((match) => match[1] ?? '')
  expect(targets.filter((target) => !existsSync(join(root, dirname(page), target)))).toEqual([])
})
