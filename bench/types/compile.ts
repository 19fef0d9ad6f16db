import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { tsc } from '../../scripts/link-declarations.ts'
import type { App } from './app.ts'

export interface Cost {
  /** How often the compiler instantiated a generic type. It is the same on every machine. */
  instantiations: number
  /** Time of checking, which varies. */
  milliseconds: number
}

/** Of an app with agents. */
export const COMPILER_OPTIONS = {
  target: 'ES2024',
  lib: ['ES2024', 'ESNext.Disposable', 'DOM', 'DOM.Iterable', 'DOM.AsyncIterable'],
  module: 'NodeNext',
  jsx: 'react-jsx',
  types: ['node'],
  strict: true,
  exactOptionalPropertyTypes: true,
  allowImportingTsExtensions: true,
  skipLibCheck: true,
  noEmit: true,
}

/**
 * @param linked a folder of `linkDeclarations`
 * @throws Error with the compiler's output when the app does not compile
 */
export async function compile(linked: string, { files }: App): Promise<Cost> {
  const folder = join(linked, 'app')
  await mkdir(folder, { recursive: true })
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  const project = { compilerOptions: COMPILER_OPTIONS, files: Object.keys(files) }
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify(project))
  const printed = await tsc(folder, '--project', '.', '--extendedDiagnostics', '--singleThreaded')
  const instantiations = /^Instantiations:\s+(\d+)$/m.exec(printed)?.[1]
  const seconds = /^Check time:\s+([\d.]+)s$/m.exec(printed)?.[1]
  if (/error TS/.test(printed) || instantiations === undefined || seconds === undefined)
    throw new Error(printed)
  return { instantiations: Number(instantiations), milliseconds: Number(seconds) * 1_000 }
}
