// `npm run bench:types`: what agents cost the compiler, compared with as many procedures of a bare tRPC
// router.
import { Command } from 'commander'
import { linkDeclarations } from '../../scripts/link-declarations.ts'
import { PAGES, appOfAgents, appOfProcedures } from './app.ts'
import type { App } from './app.ts'
import { compile } from './compile.ts'

const COUNTS = [1, 100, 300]

new Command('bench:types')
  .description(
    `Compiles apps of ${COUNTS.join(', ')} agents, and bare tRPC routers of as many procedures: instantiations, which are the same everywhere, and milliseconds of checking`,
  )
  .parse()

const pages = Object.keys(PAGES) as (keyof typeof PAGES)[]
const apps: [name: string, make: (count: number) => App][] = [
  ['bare tRPC', appOfProcedures],
  ...pages.map((page): [string, (count: number) => App] => [page, (count) => appOfAgents(count, page)]),
]

await using linked = await linkDeclarations()
const cells = ['', ...COUNTS.map((count) => `${count}`), 'each']
process.stdout.write(
  `| ${cells.join(' | ')} |\n|${cells.map((_, at) => (at === 0 ? '---' : '--:')).join('|')}|\n`,
)
for (const [name, make] of apps) {
  const costs = []
  for (const count of COUNTS) costs.push(await compile(linked.folder, make(count)))
  const [one, hundred] = costs.map(({ instantiations }) => instantiations)
  const each = Math.round(((hundred ?? 0) - (one ?? 0)) / 99)
  const shown = costs.map(
    ({ instantiations, milliseconds }) => `${instantiations.toLocaleString('en')} (${milliseconds} ms)`,
  )
  process.stdout.write(`| ${[name, ...shown, each.toLocaleString('en')].join(' | ')} |\n`)
}
