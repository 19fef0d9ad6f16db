// An app's folder whose node_modules hold this package as its users get it: declarations only, beside links to all of ours.
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** @returns what it printed, errors of the code included. @throws when there is no such compiler. */
const compiler =
  (script: string) =>
  (cwd: string, ...args: string[]): Promise<string> =>
    promisify(execFile)('node', [join(ROOT, script), ...args], { cwd }).then(
      ({ stdout }) => stdout,
      (error: Error & { stdout: string }) => {
        if (error.stdout === '') throw error
        return error.stdout
      },
    )

/** Runs this repository's compiler. */
export const tsc = compiler('node_modules/.bin/tsc')
/** Runs TypeScript 5.9. */
export const tsc5 = compiler('test/typescript-5/node_modules/.bin/tsc')

export interface LinkedApp extends AsyncDisposable {
  folder: string
}

export async function linkDeclarations(): Promise<LinkedApp> {
  const folder = await mkdtemp(join(tmpdir(), 'linked-app-'))
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
  const modules = join(folder, 'node_modules')
  const self = join(modules, 'trpc-agent-runtime')
  await mkdir(self, { recursive: true })
  await cp(join(ROOT, 'package.json'), join(self, 'package.json'))
  await tsc(ROOT, '--project', 'tsconfig.build.json', '--emitDeclarationOnly', '--outDir', join(self, 'dist'))
  const names = await readdir(join(ROOT, 'node_modules'))
  await Promise.all(
    names
      .filter((name) => !name.startsWith('.'))
      .map((name) => symlink(join(ROOT, 'node_modules', name), join(modules, name))),
  )
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) }
}
