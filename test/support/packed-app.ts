// An app in a folder of its own that has installed the packed package, like a user's.
import { execFile } from 'node:child_process'
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { inject } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }

const exec = promisify(execFile)
export const root = fileURLToPath(new URL('../..', import.meta.url))
const bin = join(root, 'node_modules/.bin')
export const env = { ...process.env, PATH: `${bin}:${process.env['PATH']}` }

export interface PackedApp extends AsyncDisposable {
  folder: string
  /** What npm wrote to stderr during the installation. */
  installWarnings: string
  /** Runs a command in the app's folder. Resolves with its whole output. */
  run(command: string, args: readonly string[], variables?: Record<string, string>): Promise<string>
  /** Type errors in the app's own files and in the package's declarations. */
  typeErrors(): Promise<string[]>
}

/** @param packages by name or `name@version`. Without a version, it is the one of this repository. */
export async function createPackedApp(fixture: string, packages: readonly string[]): Promise<PackedApp> {
  const folder = await mkdtemp(join(tmpdir(), `${fixture}-`))
  const app = { name: 'app', private: true, type: 'module' }
  await cp(join(root, 'test/fixtures', fixture), folder, { recursive: true })
  await writeFile(join(folder, 'package.json'), JSON.stringify(app))
  const install = ['install', '--no-audit', '--no-fund', inject('tarball'), ...packages.map(withVersion)]
  const { stderr: installWarnings } = await exec('npm', install, { cwd: folder, env })

  return {
    folder,
    installWarnings,
    async run(command, args, variables = {}) {
      const { stdout, stderr } = await exec(command, args, { cwd: folder, env: { ...env, ...variables } })
      return stdout + stderr
    },
    async typeErrors() {
      const output = await exec('node', [join(bin, 'tsc'), '-p', '.'], { cwd: folder, env }).then(
        () => '',
        (error: Error & { stdout: string }) => error.stdout,
      )
      // Libraries are checked too, because of ours; errors within others are ignored. An error's further
      // lines are indented, so its first line tells the file.
      return output
        .split('\n')
        .filter((line) => line !== '' && !/^(\s|node_modules\/(?!trpc-agent-runtime))/.test(line))
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}

const versions: Record<string, string> = { ...manifest.dependencies, ...manifest.devDependencies }

export function withVersion(name: string): string {
  return name.includes('@', 1) ? name : `${name}@${versions[name]}`
}
