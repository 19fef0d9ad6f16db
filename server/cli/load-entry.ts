import { execFile } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { extname, relative, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { AgentRuntime } from '../runtime/agent-runtime.ts'
import { CliError } from './cli-error.ts'

const DEFAULT_ENTRIES = ['runtime', 'src/runtime', 'agents', 'src/agents'].flatMap((path) =>
  ['.ts', '.mts', '.js', '.mjs'].map((extension) => path + extension),
)

// TypeScript here, JavaScript in the built package.
const REGISTRY_ENTRY = fileURLToPath(
  new URL(`./registry-entry${extname(import.meta.filename)}`, import.meta.url),
)

/**
 * The path of the entry: the given one, or the first of the usual ones that exists. If none exists and
 * RUNTIME_REGISTRY is set, an entry without agents of its own.
 *
 * @throws CliError when there is none.
 */
export function findEntry(given: string | undefined): string {
  if (given !== undefined) {
    const path = resolve(given)
    if (!existsSync(path)) throw new CliError(`The entry ${given} does not exist.`)
    if (!statSync(path).isFile()) throw new CliError(`The entry ${given} is not a file.`)
    return path
  }
  const registry = process.env['RUNTIME_REGISTRY'] ?? ''
  // `agents.ts` may be the file with the registry's functions, and is then not an entry.
  const named = new Set(registry.split(',').map((one) => resolve(one.trim().split('#')[0] ?? '')))
  const found = DEFAULT_ENTRIES.map((path) => resolve(path)).find(
    (path) => existsSync(path) && !named.has(path),
  )
  if (found !== undefined) return found
  if (registry !== '') return REGISTRY_ENTRY
  throw new CliError(
    'No entry: name the file whose default export is createAgentRuntime(…), or call it runtime.ts, src/runtime.ts, agents.ts or src/agents.ts.',
  )
}

/**
 * Imports an entry. The environment must be complete before, because the entry reads it.
 *
 * @throws CliError that says where the error is.
 */
export async function loadEntry(path: string): Promise<AgentRuntime> {
  const name = displayPath(path)
  const module: Record<string, unknown> = await import(pathToFileURL(path).href).catch(async (error) => {
    throw await explain(error, path)
  })
  const runtime = module['default']
  if (isRuntime(runtime)) return runtime
  throw new CliError(
    runtime === undefined
      ? `${name} has no default export: add \`export default createAgentRuntime({ agents: […] })\`.`
      : `The default export of ${name} is not what createAgentRuntime(…) returns.`,
  )
}

function isRuntime(value: unknown): value is AgentRuntime {
  if (typeof value !== 'object' || value === null) return false
  const members = value as Record<string, unknown>
  return ['start', 'handler', 'startWorker', 'stop'].every((name) => typeof members[name] === 'function')
}

/** Errors of configuration pass unchanged: they are about settings, not about the entry's code. */
async function explain(error: unknown, path: string): Promise<unknown> {
  if (!(error instanceof Error)) return new CliError(`${displayPath(path)} threw ${String(error)}.`)
  if (error.name === 'ConfigError') return error
  const place =
    placeOf(error.stack ?? '') ?? (error instanceof SyntaxError ? await checkSyntax(path) : undefined)
  const where = place ?? displayPath(path)
  return new CliError(`${where}: ${error.message}`, { cause: error })
}

// `/folder/file.ts:3`, `file:///folder/file.ts:3:14`, `at run (file:///folder/file.ts:3:14)`
const PLACE = /(?:^|\s|\()((?:file:\/\/\/|\/|[A-Za-z]:\\)[^()]*?):(\d+)(?::\d+)?\)?$/

/**
 * The first place outside of node_modules in a stack. Syntax errors begin with their place; other errors have
 * it in their frames.
 */
function placeOf(stack: string): string | undefined {
  for (const line of stack.split('\n')) {
    const [, file, lineNumber] = PLACE.exec(line) ?? []
    if (file === undefined || file.includes('node_modules')) continue
    return `${displayPath(file.startsWith('file:') ? fileURLToPath(file) : file)}:${lineNumber}`
  }
  return undefined
}

/** V8 reports the place of a syntax error in JavaScript only if the file is run as a program. */
function checkSyntax(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(process.execPath, ['--check', path], (_error, _stdout, stderr) => resolve(placeOf(stderr)))
  })
}

/** For people: relative to the working folder. */
export function displayPath(path: string): string {
  const shown = relative(process.cwd(), path)
  return shown.startsWith('..') ? path : shown
}
