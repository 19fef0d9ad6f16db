// An app that is compiled with `declaration: true` exports what it made of the package. Types that no entry
// exports can't be written into its declarations, which shows in a package only: here it is built and linked.
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const tsc = (cwd: string, ...args: string[]) =>
  promisify(execFile)('node', [join(root, 'node_modules/.bin/tsc'), ...args], { cwd }).then(
    ({ stdout }) => stdout,
    (error: Error & { stdout: string }) => error.stdout,
  )
let app: string

beforeAll(async () => {
  app = await mkdtemp(join(tmpdir(), 'declarations-'))
  await cp(join(root, 'test/fixtures/consumer'), app, { recursive: true })
  await writeFile(join(app, 'package.json'), '{ "type": "module" }')
  const modules = join(app, 'node_modules')
  const self = join(modules, 'trpc-agent-runtime')
  await mkdir(self, { recursive: true })
  await cp(join(root, 'package.json'), join(self, 'package.json'))
  await tsc(root, '--project', 'tsconfig.build.json', '--emitDeclarationOnly', '--outDir', join(self, 'dist'))
  const names = await readdir(join(root, 'node_modules'))
  await Promise.all(
    names
      .filter((name) => !name.startsWith('.'))
      .map((name) => symlink(join(root, 'node_modules', name), join(modules, name))),
  )
}, 120_000)

afterAll(() => rm(app, { recursive: true, force: true }))

test(
  'whatever an app exports of the package can be named in its declarations',
  { timeout: 60_000 },
  async () => {
    const output = await tsc(app, '--project', '.', '--skipLibCheck')
    expect(output).toBe('')
  },
)
