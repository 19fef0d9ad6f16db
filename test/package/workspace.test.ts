// A monorepo of two packages that TypeScript builds by their references: a server with agents, and a page
// like Vite's template for React. The page knows the agents by the server's declarations.
import { execFile } from 'node:child_process'
import { cp, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, inject, test } from 'vitest'
import { env, root, withVersion } from '../support/packed-app.ts'

const exec = promisify(execFile)
const tarball = `file:${inject('tarball')}`
const SERVER = ['zod', '@types/node']
const PAGE = [
  ...['react', 'react-dom', '@tanstack/react-query', 'zod', 'vite', '@vitejs/plugin-react'],
  ...['@types/react', '@types/react-dom'],
]

const MANAGERS = [
  {
    name: 'npm',
    typescript: '7.0.2',
    install: ['npm', 'install', '--no-audit', '--no-fund'],
    workspace: '*',
  },
  {
    name: 'pnpm',
    typescript: '5.9.3',
    install: ['npx', '--yes', 'pnpm@12.21.0', 'install', '--ignore-scripts', '--no-frozen-lockfile'],
    workspace: 'workspace:*',
  },
]

test.concurrent.each(MANAGERS)(
  'installed by $name, both packages are built by TypeScript $typescript, and the page by Vite',
  async ({ install, typescript, workspace }) => {
    const folder = await mkdtemp(join(tmpdir(), 'workspace-'))
    const run = ([command = '', ...args]: readonly string[], cwd = folder) =>
      exec(command, args, { cwd, env: { ...env, CI: 'true' } }).catch(({ stdout }: { stdout: string }) =>
        Promise.reject(new Error(stdout)),
      )
    try {
      await cp(join(root, 'test/fixtures/workspace'), folder, { recursive: true })
      await addDependencies(join(folder, 'packages/server'), {
        ...versionsOf(SERVER),
        'trpc-agent-runtime': tarball,
      })
      await addDependencies(join(folder, 'packages/web'), {
        ...versionsOf(PAGE),
        typescript,
        'trpc-agent-runtime': tarball,
        '@workspace/server': workspace,
      })
      await run(install)
      await run(['npm', 'run', 'build'], join(folder, 'packages/web'))
      const assets = join(folder, 'packages/web/dist/assets')
      // What streams need is in files of its own, which the page loads with its first stream.
      const files = await readdir(assets)
      expect(files.length).toBeGreaterThan(1)
      const code = (await Promise.all(files.map((file) => readFile(join(assets, file), 'utf8')))).join('\n')
      // Only what the page needs of it.
      expect(code).toContain('conversations')
      expect(code).not.toContain('pg-boss')
      expect(code.length).toBeLessThan(600_000)
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
)

function versionsOf(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, withVersion(name).slice(name.length + 1)]))
}

async function addDependencies(folder: string, dependencies: Record<string, string>): Promise<void> {
  const file = join(folder, 'package.json')
  const manifest = JSON.parse(await readFile(file, 'utf8')) as object
  await writeFile(file, JSON.stringify({ ...manifest, dependencies }))
}
