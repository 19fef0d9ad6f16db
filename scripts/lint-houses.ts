// The lint rule `houses/direction`: imports go where the table "Where things are" of CONTRIBUTING.md lets them go.
// For plugins: https://oxc.rs/docs/guide/usage/linter/js-plugins
import { readFileSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'

interface House {
  folder: string
  /** Folders that it may import, and those of which it may import types alone. */
  imports: ReadonlySet<string>
  types: ReadonlySet<string>
  /** Packages that only those may import that have them in their row. */
  packages: readonly string[]
}

interface ImportNode {
  source?: { value?: unknown } | null
  importKind?: string
  exportKind?: string
}

interface RuleContext {
  filename: string
  report(problem: { node: unknown; message: string }): void
}

const ROOT = dirname(import.meta.dirname)
const HOUSES = readTable(readFileSync(resolve(ROOT, 'CONTRIBUTING.md'), 'utf8'))

/** Rows of `| folder | what lives there | may import | packages of its own |`; names are those in backticks. */
function readTable(markdown: string): House[] {
  const names = (cell = '') => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name)
  const rows = markdown.split('\n').filter((line) => line.startsWith('| `'))
  const houses: House[] = []
  for (const row of rows) {
    const [, folder, , imports = '', packages] = row.split('|')
    const [all = '', types] = imports.split('types of')
    const above = all.includes('all above') ? houses.map((house) => house.folder) : []
    houses.push({
      folder: names(folder)[0] ?? '',
      imports: new Set([...above, ...names(all)]),
      types: new Set(names(types)),
      packages: names(packages),
    })
  }
  return houses
}

/** The house a file stands in: the longest folder that it is in. */
function houseOf(path: string): House | undefined {
  return HOUSES.filter(({ folder }) => isOf(folder, path)).toSorted(
    (a, b) => b.folder.length - a.folder.length,
  )[0]
}

const isOf = (name: string, path: string) => path === name || path.startsWith(`${name}/`)

/** @returns what is wrong with the import; undefined when nothing is. */
function problemWith(file: string, specifier: string, isType: boolean): string | undefined {
  const house = houseOf(file)
  if (house === undefined) return undefined
  if (!specifier.startsWith('.')) {
    const owners = HOUSES.filter(({ packages }) => packages.some((name) => isOf(name, specifier)))
    if (owners.length === 0 || owners.includes(house)) return undefined
    return `Only ${owners.map(({ folder }) => folder).join(' and ')} may import ${specifier}.`
  }
  const target = relative(ROOT, resolve(ROOT, dirname(file), specifier))
  const other = houseOf(target)
  if (other === house) return undefined
  if (other === undefined) return `${target} stands in no folder of CONTRIBUTING.md's table.`
  if (house.imports.has(other.folder) || (isType && house.types.has(other.folder))) return undefined
  const kind = house.types.has(other.folder) ? 'types alone' : 'nothing'
  return `Imports go down only: of ${other.folder}, ${house.folder} may import ${kind}.`
}

const direction = {
  create(context: RuleContext) {
    const file = relative(ROOT, context.filename)
    const check = (node: ImportNode) => {
      const specifier = node.source?.value
      if (typeof specifier !== 'string') return
      const isType = node.importKind === 'type' || node.exportKind === 'type'
      const message = problemWith(file, specifier, isType)
      if (message !== undefined) context.report({ node: node.source, message })
    }
    return {
      ImportDeclaration: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
      ImportExpression: check,
      TSImportType: (node: ImportNode) => check({ ...node, importKind: 'type' }),
    }
  },
}

export default { meta: { name: 'houses' }, rules: { direction } }
